"""Darknet-53, the backbone of YOLOv3: Redmon and Farhadi, 2018, https://arxiv.org/abs/1804.02767."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, HybridSequential

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm, leaky_relu
from toolkit.nn.features import features_of
from toolkit.nn.head import PooledLinearHead


@dataclass(frozen=True)
class DarknetConfig:
    """What tells one Darknet from another."""

    depths: tuple[int, ...]  # residual units after each convolution that strides


VARIANTS = {"darknet53": DarknetConfig((1, 2, 8, 8, 4))}

STEM_WIDTH = 32  # channels at the image's own resolution; each stride doubles them


class DarknetUnit(HybridBlock):
    """``body(x) + x``: a 1x1 convolution to half the channels, a 3x3 back."""

    def __init__(self, channels: int, norm: Norm) -> None:
        super().__init__()
        conv = partial(ConvNormAct, norm=norm, act=leaky_relu)
        self.body = sequence(conv(channels, channels // 2), conv(channels // 2, channels, 3))

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, channels, H, W)`` to the same shape."""
        return self.body(x) + x


@BACKBONES.family(VARIANTS)
class Darknet(HybridBlock):
    """Maps ``(N, 3, H, W)`` images to the last feature of each resolution, finest first.

    Args:
        config: A row of ``VARIANTS``.
        norm: Makes the normalizations, given ``in_channels``.
    """

    def __init__(self, config: DarknetConfig, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        conv = partial(ConvNormAct, kernel_size=3, norm=norm, act=leaky_relu)
        self.channels = tuple(STEM_WIDTH << level for level in range(len(config.depths) + 1))
        self.strides = tuple(1 << level for level in range(len(config.depths) + 1))
        self.layers = HybridSequential()
        self.layers.add(conv(3, STEM_WIDTH))
        self._taps = [0]
        for depth, channels in zip(config.depths, self.channels[1:], strict=True):
            self.layers.add(conv(channels // 2, channels, strides=2))
            for _ in range(depth):
                self.layers.add(DarknetUnit(channels, norm))
            self._taps.append(len(self.layers) - 1)

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels`` at ``strides``."""
        return features_of(self.layers, x, self._taps)

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature."""
        return PooledLinearHead(self.channels[-1], classes)
