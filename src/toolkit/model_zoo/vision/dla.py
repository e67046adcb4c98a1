"""Deep layer aggregation: Yu et al., 2017, https://arxiv.org/abs/1707.06484."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, Dense, Flatten, GlobalAvgPool2D, MaxPool2D

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.backbone import Backbone, Stages
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm
from toolkit.nn.residual import ResidualUnit, basic


@dataclass(frozen=True)
class DLAConfig:
    """What tells one DLA from another."""

    depths: tuple[int, ...]  # convolutions of the first two levels, heights of the others' trees
    channels: tuple[int, ...]  # of what each level gives


VARIANTS = {
    "dla34": DLAConfig((1, 1, 1, 2, 2, 1), (16, 32, 64, 128, 256, 512)),
}


def _unit(in_channels: int, channels: int, stride: int, norm: Norm) -> HybridBlock:
    body = basic(in_channels, channels, stride=stride, norm=norm)
    shortcut = None
    if in_channels != channels:
        shortcut = sequence(
            MaxPool2D(stride, stride), ConvNormAct(in_channels, channels, norm=norm, act=None)
        )
    return ResidualUnit(body, shortcut)


class Tree(HybridBlock):
    """Two units in a row, aggregated by a 1x1 convolution; or two trees of less height.

    Args:
        height: 1 for two units, 2 for two trees of two units, and so on.
        in_channels: Channels of the input.
        channels: Channels of the output.
        stride: Stride of the first unit.
        extra: Channels of all further features that are aggregated.
        norm: Makes the normalizations.
    """

    def __init__(
        self,
        height: int,
        in_channels: int,
        channels: int,
        *,
        stride: int = 1,
        extra: int = 0,
        norm: Norm,
    ) -> None:
        super().__init__()
        if height == 1:
            self.first = _unit(in_channels, channels, stride, norm)
            self.second = _unit(channels, channels, 1, norm)
            root: HybridBlock | None = ConvNormAct(2 * channels + extra, channels, norm=norm)
        else:
            self.first = Tree(height - 1, in_channels, channels, stride=stride, norm=norm)
            self.second = Tree(height - 1, channels, channels, extra=extra + channels, norm=norm)
            root = None
        self.root = root

    def hybrid_forward(self, F: Any, x: Any, *further: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, channels, H', W')``.

        ``further`` are features of that resolution, of ``extra`` channels together.
        """
        first = self.first(x)
        if self.root is None:
            return self.second(first, *further, first)
        return self.root(F.concat(self.second(first), first, *further, dim=1))


class Level(HybridBlock):
    """A tree that strides by 2 and, but for the first of them, aggregates its own input too."""

    def __init__(
        self, height: int, in_channels: int, channels: int, *, keep_input: bool, norm: Norm
    ) -> None:
        super().__init__()
        extra = in_channels if keep_input else 0
        self.pool = MaxPool2D(2, 2) if keep_input else None
        self.tree = Tree(height, in_channels, channels, stride=2, extra=extra, norm=norm)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, channels, H / 2, W / 2)``."""
        return self.tree(x) if self.pool is None else self.tree(x, self.pool(x))


class DLAHead(HybridBlock):
    """Global average pooling of every feature and one dense layer on all of them."""

    takes_all_features = True

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        self.pool = GlobalAvgPool2D()
        self.flatten = Flatten()
        self.output = Dense(classes, in_units=in_channels)

    def hybrid_forward(self, F: Any, *features: Any) -> Any:
        """Maps features ``(N, C, H, W)``, of any sizes, to scores ``(N, classes)``."""
        means = [self.flatten(self.pool(feature)) for feature in features]
        return self.output(F.concat(*means, dim=1))


@BACKBONES.family(VARIANTS)
class DLA(Backbone):
    """Maps ``(N, 3, H, W)`` images to the six levels' features, finest first."""

    strides = (1, 2, 4, 8, 16, 32)

    def __init__(self, config: DLAConfig, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        self.channels = config.channels
        width = self.channels[0]
        self.stem = ConvNormAct(3, width, 7, norm=norm)
        levels: list[list[HybridBlock]] = []
        for level, (depth, channels) in enumerate(zip(config.depths, self.channels, strict=True)):
            if level < 2:
                convs = [ConvNormAct(width, channels, 3, strides=level + 1, norm=norm)]
                convs += [ConvNormAct(channels, channels, 3, norm=norm) for _ in range(depth - 1)]
                levels.append([sequence(*convs)])
            else:
                levels.append([Level(depth, width, channels, keep_input=level > 2, norm=norm)])
            width = channels
        self.levels = Stages(levels)

    def head(self, classes: int) -> HybridBlock:
        """The published classifier, on all features."""
        return DLAHead(sum(self.channels), classes)
