"""Inception v3: Szegedy et al., 2015, https://arxiv.org/abs/1512.00567.

GoogLeNet, the first of them: Szegedy et al., 2014, https://arxiv.org/abs/1409.4842; its batch
normalization, and the second 3x3 in place of the 5x5: https://arxiv.org/abs/1502.03167.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import AvgPool2D, BatchNorm, MaxPool2D

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.backbone import Backbone, Stages
from toolkit.nn.containers import Branches, sequence
from toolkit.nn.conv import ConvNormAct, Norm

Mixed = tuple[int, tuple[int, int], tuple[int, int], int]  # channels of the four branches


@dataclass(frozen=True)
class GoogLeNetConfig:
    """What tells one GoogLeNet from another."""

    mixed: tuple[tuple[Mixed, ...], ...]  # inception blocks after each pooling
    dropout: float = 0.4  # rate before the classifier


MIXED = (
    ((64, (96, 128), (16, 32), 32), (128, (128, 192), (32, 96), 64)),
    (
        (192, (96, 208), (16, 48), 64),
        (160, (112, 224), (24, 64), 64),
        (128, (128, 256), (24, 64), 64),
        (112, (144, 288), (32, 64), 64),
        (256, (160, 320), (32, 128), 128),
    ),
    ((256, (160, 320), (32, 128), 128), (384, (192, 384), (48, 128), 128)),
)
GOOGLENET_VARIANTS = {"googlenet": GoogLeNetConfig(MIXED)}


@dataclass(frozen=True)
class InceptionV3Config:
    """What tells one Inception v3 from another."""

    pooled: tuple[int, int, int]  # channels after the pooling of the blocks at stride 8
    inner: tuple[int, int, int, int]  # channels within the blocks at stride 16
    dropout: float = 0.5  # rate before the classifier


V3_VARIANTS = {"inceptionv3": InceptionV3Config((32, 64, 64), (128, 160, 160, 192))}

EPSILON = 1e-3  # of the normalizations
TALL, WIDE = (7, 1), (1, 7)

Layers = tuple[tuple[int, Any], ...]  # channels and kernel size of convolutions in a row


@dataclass(frozen=True)
class _Blocks:
    """Makes the blocks of one network."""

    norm: Norm
    pool: Callable[..., HybridBlock] = AvgPool2D  # of the branch that pools

    def chain(self, in_channels: int, layers: Layers, **last: Any) -> list[HybridBlock]:
        """Convolutions one after the other; ``last`` are further options of the last."""
        width, chain = in_channels, []
        for place, (channels, kernel_size) in enumerate(layers, start=1):
            options = last if place == len(layers) else {}
            chain.append(ConvNormAct(width, channels, kernel_size, norm=self.norm, **options))
            width = channels
        return chain

    def block(self, in_channels: int, branches: tuple[Layers, ...], pooled: int) -> HybridBlock:
        """Branches of convolutions, and one of a pooling and a 1x1; the size is kept."""
        return Branches(
            *(sequence(*self.chain(in_channels, layers)) for layers in branches),
            self._pooling(in_channels, pooled),
        )

    def mixed(self, in_channels: int, channels: Mixed) -> HybridBlock:
        """GoogLeNet's: a 1x1 convolution, two pairs of a 1x1 and a 3x3, and a pooling."""
        single, (a, b), (c, d), pooled = channels
        branches = ((single, 1),), ((a, 1), (b, 3)), ((c, 1), (d, 3))
        return self.block(in_channels, branches, pooled)

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
        return sequence(self.pool(3, 1, 1), *self.chain(in_channels, ((channels, 1),)))

    def stem(self) -> list[list[HybridBlock]]:
        """The layers down to stride 8, most of which do not pad, a row a feature."""
        conv = partial(ConvNormAct, norm=self.norm)
        first = [conv(3, 32, 3, strides=2, padding=0), conv(32, 32, 3, padding=0), conv(32, 64, 3)]
        second = [MaxPool2D(3, 2), conv(64, 80), conv(80, 192, 3, padding=0)]
        return [first, second, [MaxPool2D(3, 2)]]

    def fine(self, in_channels: int, pooled: int) -> HybridBlock:
        """A block at stride 8."""
        branches = ((64, 1),), ((48, 1), (64, 5)), ((64, 1), (96, 3), (96, 3))
        return self.block(in_channels, branches, pooled)

    def middle(self, inner: int) -> HybridBlock:
        """A block at stride 16, its 7x7 convolutions taken apart."""
        first = (inner, 1), (inner, WIDE), (192, TALL)
        second = (inner, 1), (inner, TALL), (inner, WIDE), (inner, TALL), (192, WIDE)
        return self.block(768, (((192, 1),), first, second), 192)


@BACKBONES.family(GOOGLENET_VARIANTS)
class GoogLeNet(Backbone):
    """Maps ``(N, 3, H, W)`` images to the last feature of each resolution, finest first."""

    strides = (2, 4, 8, 16, 32)

    def __init__(self, config: GoogLeNetConfig, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        self._dropout = config.dropout
        norm = partial(norm, epsilon=EPSILON)
        conv, pool = partial(ConvNormAct, norm=norm), partial(MaxPool2D, 3, 2, ceil_mode=True)
        rows = [[conv(3, 64, 7, strides=2)], [pool(), conv(64, 64), conv(64, 192, 3)]]
        make = _Blocks(norm, pool=MaxPool2D)
        width = 192
        self.channels: tuple[int, ...] = (64, width)
        pools = pool(), pool(), MaxPool2D(2, 2)
        for pooling, row in zip(pools, config.mixed, strict=True):
            rows.append([pooling])
            for channels in row:
                rows[-1].append(make.mixed(width, channels))
                single, first, second, pooled = channels
                width = single + first[1] + second[1] + pooled
            self.channels += (width,)
        self.layers = Stages(rows)


@BACKBONES.family(V3_VARIANTS)
class InceptionV3(Backbone):
    """Maps ``(N, 3, H, W)`` images to the last feature of each resolution, finest first.

    What strides does not pad, so features are smaller than the image over the stride: of 299
    pixels 8 cells are left. Images have at least 75 pixels a side.
    """

    channels = (64, 192, 288, 768, 2048)
    strides = (2, 4, 8, 16, 32)

    def __init__(self, config: InceptionV3Config, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        self._dropout = config.dropout
        make = _Blocks(partial(norm, epsilon=EPSILON))
        rows = make.stem()
        width = 192
        for pooled in config.pooled:
            rows[-1].append(make.fine(width, pooled))
            width = 64 + 64 + 96 + pooled
        reduction = make.reduction(width, (((384, 3),), ((64, 1), (96, 3), (96, 3))))
        rows.append([reduction, *(make.middle(inner) for inner in config.inner)])
        seven = (192, 1), (192, WIDE), (192, TALL), (192, 3)
        reduction = make.reduction(768, (((192, 1), (320, 3)), seven))
        rows.append([reduction, make.split(1280), make.split(2048)])
        self.layers = Stages(rows)
