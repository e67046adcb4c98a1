"""GoogLeNet, with batch normalization: Szegedy et al., 2014, https://arxiv.org/abs/1409.4842.

The normalization and the second 3x3 in place of the 5x5: https://arxiv.org/abs/1502.03167.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, MaxPool2D

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.containers import Branches, sequence
from toolkit.nn.conv import ConvNormAct, Norm
from toolkit.nn.features import features_of
from toolkit.nn.head import PooledLinearHead

Mixed = tuple[int, tuple[int, int], tuple[int, int], int]  # channels of the four branches


@dataclass(frozen=True)
class GoogLeNetConfig:
    """What tells one GoogLeNet from another."""

    mixed: tuple[tuple[Mixed, ...], ...]  # inception blocks after each pooling


VARIANTS = {
    "googlenet": GoogLeNetConfig(
        (
            (
                (64, (96, 128), (16, 32), 32),
                (128, (128, 192), (32, 96), 64),
            ),
            (
                (192, (96, 208), (16, 48), 64),
                (160, (112, 224), (24, 64), 64),
                (128, (128, 256), (24, 64), 64),
                (112, (144, 288), (32, 64), 64),
                (256, (160, 320), (32, 128), 128),
            ),
            (
                (256, (160, 320), (32, 128), 128),
                (384, (192, 384), (48, 128), 128),
            ),
        )
    )
}

EPSILON = 1e-3  # of the normalizations


def _mixed(in_channels: int, channels: Mixed, norm: Norm) -> HybridBlock:
    """A 1x1 convolution, two pairs of a 1x1 and a 3x3, and a pooling with a 1x1, side by side."""
    conv = partial(ConvNormAct, norm=norm)
    single, first, second, pooled = channels
    return Branches(
        sequence(conv(in_channels, single)),
        *(sequence(conv(in_channels, a), conv(a, b, 3)) for a, b in (first, second)),
        sequence(MaxPool2D(3, 1, 1), conv(in_channels, pooled)),
    )


@BACKBONES.family(VARIANTS)
class GoogLeNet(HybridBlock):
    """Maps ``(N, 3, H, W)`` images to the last feature of each resolution, finest first.

    Args:
        config: A row of ``VARIANTS``.
        norm: Makes the normalizations, given ``in_channels`` and ``epsilon``.
        dropout: Rate of the dropout before the classifier.
    """

    strides = (2, 4, 8, 16, 32)

    def __init__(
        self, config: GoogLeNetConfig, *, norm: Norm = BatchNorm, dropout: float = 0.4
    ) -> None:
        super().__init__()
        self._dropout = dropout
        norm = partial(norm, epsilon=EPSILON)
        conv, pool = partial(ConvNormAct, norm=norm), partial(MaxPool2D, 3, 2, ceil_mode=True)
        self.layers = sequence(conv(3, 64, 7, strides=2), pool(), conv(64, 64), conv(64, 192, 3))
        self._taps = [0, 3]
        width = 192
        self.channels: tuple[int, ...] = (64, width)
        pools = pool(), pool(), MaxPool2D(2, 2)
        for pooling, row in zip(pools, config.mixed, strict=True):
            self.layers.add(pooling)
            for channels in row:
                self.layers.add(_mixed(width, channels, norm))
                single, first, second, pooled = channels
                width = single + first[1] + second[1] + pooled
            self._taps.append(len(self.layers) - 1)
            self.channels += (width,)

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels`` at strides 2, 4, 8, 16 and 32."""
        return features_of(self.layers, x, self._taps)

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature."""
        return PooledLinearHead(self.channels[-1], classes, dropout=self._dropout)
