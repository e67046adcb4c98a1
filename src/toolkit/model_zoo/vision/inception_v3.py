"""Inception v3: Szegedy et al., 2015, https://arxiv.org/abs/1512.00567."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import AvgPool2D, BatchNorm, MaxPool2D

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.containers import Branches, sequence
from toolkit.nn.conv import ConvNormAct, Norm
from toolkit.nn.features import features_of
from toolkit.nn.head import PooledLinearHead


@dataclass(frozen=True)
class InceptionV3Config:
    """What tells one Inception v3 from another."""

    pooled: tuple[int, int, int]  # channels after the pooling of the blocks at stride 8
    inner: tuple[int, int, int, int]  # channels within the blocks at stride 16


VARIANTS = {"inceptionv3": InceptionV3Config((32, 64, 64), (128, 160, 160, 192))}

EPSILON = 1e-3  # of the normalizations
TAPS = (2, 5, 9, 14, 17)  # the last layer of each resolution
TALL, WIDE = (7, 1), (1, 7)

Layers = tuple[tuple[int, Any], ...]  # channels and kernel size of convolutions in a row


@dataclass(frozen=True)
class _Blocks:
    """Makes the blocks of one network."""

    norm: Norm

    def chain(self, in_channels: int, layers: Layers, **last: Any) -> list[HybridBlock]:
        """Convolutions one after the other; ``last`` are further options of the last."""
        width, chain = in_channels, []
        for place, (channels, kernel_size) in enumerate(layers, start=1):
            options = last if place == len(layers) else {}
            chain.append(ConvNormAct(width, channels, kernel_size, norm=self.norm, **options))
            width = channels
        return chain

    def block(self, in_channels: int, branches: tuple[Layers, ...], pooled: int) -> HybridBlock:
        """Branches of convolutions, and one of average pooling and a 1x1; the size is kept."""
        return Branches(
            *(sequence(*self.chain(in_channels, layers)) for layers in branches),
            self._pooling(in_channels, pooled),
        )

    def reduction(self, in_channels: int, branches: tuple[Layers, ...]) -> HybridBlock:
        """Branches of convolutions, the last of which strides, and one of maximum pooling."""
        strided = partial(self.chain, strides=2, padding=0)
        return Branches(
            *(sequence(*strided(in_channels, layers)) for layers in branches), MaxPool2D(3, 2)
        )

    def split(self, in_channels: int) -> HybridBlock:
        """The block at stride 32, two of whose branches end in a 1x3 and a 3x1 side by side."""

        def forked(*layers: tuple[int, int]) -> HybridBlock:
            width = layers[-1][0]
            ends = (ConvNormAct(width, 384, side, norm=self.norm) for side in ((1, 3), (3, 1)))
            return sequence(sequence(*self.chain(in_channels, layers)), Branches(*ends))

        return Branches(
            sequence(*self.chain(in_channels, ((320, 1),))),
            forked((384, 1)),
            forked((448, 1), (384, 3)),
            self._pooling(in_channels, 192),
        )

    def _pooling(self, in_channels: int, channels: int) -> HybridBlock:
        return sequence(AvgPool2D(3, 1, 1), *self.chain(in_channels, ((channels, 1),)))

    def stem(self) -> list[HybridBlock]:
        """The layers down to stride 8, most of which do not pad."""
        conv = partial(ConvNormAct, norm=self.norm)
        first = [conv(3, 32, 3, strides=2, padding=0), conv(32, 32, 3, padding=0), conv(32, 64, 3)]
        second = [conv(64, 80), conv(80, 192, 3, padding=0)]
        return [*first, MaxPool2D(3, 2), *second, MaxPool2D(3, 2)]

    def fine(self, in_channels: int, pooled: int) -> HybridBlock:
        """A block at stride 8."""
        branches = ((64, 1),), ((48, 1), (64, 5)), ((64, 1), (96, 3), (96, 3))
        return self.block(in_channels, branches, pooled)

    def middle(self, inner: int) -> HybridBlock:
        """A block at stride 16, its 7x7 convolutions taken apart."""
        first = (inner, 1), (inner, WIDE), (192, TALL)
        second = (inner, 1), (inner, TALL), (inner, WIDE), (inner, TALL), (192, WIDE)
        return self.block(768, (((192, 1),), first, second), 192)


@BACKBONES.family(VARIANTS)
class InceptionV3(HybridBlock):
    """Maps ``(N, 3, H, W)`` images to the last feature of each resolution, finest first.

    What strides does not pad, so features are smaller than the image over the stride: of 299
    pixels 8 cells are left. Images have at least 75 pixels a side.

    Args:
        config: A row of ``VARIANTS``.
        norm: Makes the normalizations, given ``in_channels`` and ``epsilon``.
        dropout: Rate of the dropout before the classifier.
    """

    channels = (64, 192, 288, 768, 2048)
    strides = (2, 4, 8, 16, 32)

    def __init__(
        self, config: InceptionV3Config, *, norm: Norm = BatchNorm, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self._dropout = dropout
        make = _Blocks(partial(norm, epsilon=EPSILON))
        self.layers = sequence(*make.stem())
        width = 192
        for pooled in config.pooled:
            self.layers.add(make.fine(width, pooled))
            width = 64 + 64 + 96 + pooled
        self.layers.add(make.reduction(width, (((384, 3),), ((64, 1), (96, 3), (96, 3)))))
        self.layers.add(*(make.middle(inner) for inner in config.inner))
        seven = (192, 1), (192, WIDE), (192, TALL), (192, 3)
        self.layers.add(make.reduction(768, (((192, 1), (320, 3)), seven)))
        self.layers.add(make.split(1280), make.split(2048))

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels`` at strides 2, 4, 8, 16 and 32."""
        return features_of(self.layers, x, TAPS)

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature."""
        return PooledLinearHead(self.channels[-1], classes, dropout=self._dropout)
