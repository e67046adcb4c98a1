"""Residual Attention Network: Wang et al., 2017, https://arxiv.org/abs/1704.06904."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Activation, BatchNorm, MaxPool2D

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.backbone import Backbone, Stages
from toolkit.nn.containers import sequence
from toolkit.nn.conv import Conv2D, ConvNormAct, Norm, relu
from toolkit.nn.head import PooledConvHead
from toolkit.nn.residual import pre_activation_bottleneck, pre_activation_unit


@dataclass(frozen=True)
class ResidualAttentionConfig:
    """What tells one Residual Attention Network from another."""

    modules: tuple[int, int, int]  # attention modules in each of the first three stages
    trunk: int = 2  # residual units that each module's mask weighs
    mask: int = 1  # residual units at each resolution of a mask; twice as many at the coarsest
    around: int = 1  # residual units before trunk and mask
    cifar: bool = False  # for images of 32x32: half the channels, a stem that does not stride


A56 = ResidualAttentionConfig((1, 1, 1))
A92 = ResidualAttentionConfig((1, 2, 3))
A452 = ResidualAttentionConfig((5, 6, 7), trunk=4, mask=3, around=2)

VARIANTS = {
    "residualattentionnet56": A56,
    "residualattentionnet92": A92,
    "residualattentionnet128": ResidualAttentionConfig((2, 3, 4)),
    "residualattentionnet164": ResidualAttentionConfig((3, 4, 5)),
    "residualattentionnet200": ResidualAttentionConfig((4, 5, 6)),
    "residualattentionnet236": ResidualAttentionConfig((5, 6, 7)),
    "residualattentionnet452": A452,
    "cifar_residualattentionnet56": replace(A56, cifar=True),
    "cifar_residualattentionnet92": replace(A92, cifar=True),
    "cifar_residualattentionnet452": replace(A452, cifar=True),
}


def _unit(in_channels: int, channels: int, norm: Norm, stride: int = 1) -> HybridBlock:
    """One unit, normalized and activated before each of its three convolutions."""
    body = partial(pre_activation_bottleneck, inner=channels // 4, stride=stride, norm=norm)
    return pre_activation_unit(in_channels, channels, body, stride=stride, norm=norm)


def _chain(channels: int, depth: int, norm: Norm) -> HybridBlock:
    """So many units of the same shape."""
    return sequence(*(_unit(channels, channels, norm) for _ in range(depth)))


def _gate(channels: int, norm: Norm) -> HybridBlock:
    """Numbers in (0, 1), one for each position and channel."""
    return sequence(
        norm(in_channels=channels),
        relu(),
        ConvNormAct(channels, channels, norm=norm),
        Conv2D(channels, 1, use_bias=False, in_channels=channels),
        Activation("sigmoid"),
    )


class Hourglass(HybridBlock):
    """Units at ever coarser resolutions, each brought back to the size of its input.

    Args:
        channels: Channels of input and output.
        levels: How many times the size is halved.
        depth: Residual units in a row; twice as many at the coarsest resolution.
        norm: Makes the normalizations.
    """

    def __init__(self, channels: int, levels: int, depth: int, *, norm: Norm) -> None:
        super().__init__()
        self.pool = MaxPool2D(3, 2, 1)
        self.down = _chain(channels, depth if levels > 1 else 2 * depth, norm)
        self._levels = levels
        if levels > 1:
            self.inner = Hourglass(channels, levels - 1, depth, norm=norm)
            self.skip = _unit(channels, channels, norm)
            self.up = _chain(channels, depth, norm)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, channels, H, W)`` to the same shape."""
        y = self.down(self.pool(x))
        if self._levels > 1:
            y = self.up(self.inner(y) + y + self.skip(y))
        return F.contrib.BilinearResize2D(y, x, mode="like")


class AttentionModule(HybridBlock):
    """Residual units, weighed by one plus a mask in (0, 1) for each position and channel.

    Args:
        channels: Channels of input and output.
        levels: How many times the mask halves the size.
        config: The network's.
        norm: Makes the normalizations.
    """

    def __init__(
        self, channels: int, levels: int, *, config: ResidualAttentionConfig, norm: Norm
    ) -> None:
        super().__init__()
        self._levels = levels
        self.first = _chain(channels, config.around, norm)
        # In the order of the graph, by which the files of exported networks are matched.
        if levels:
            self.mask = Hourglass(channels, levels, config.mask, norm=norm)
            self.trunk = _chain(channels, config.trunk, norm)
            self.gate = _gate(channels, norm)
        else:
            self.mask = _chain(channels, 2 * config.mask, norm)
            self.gate = _gate(channels, norm)
            self.trunk = _chain(channels, config.trunk, norm)
        self.last = _unit(channels, channels, norm)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, channels, H, W)`` to the same shape."""
        x = self.first(x)
        mask, trunk = self.mask(x), self.trunk(x)
        gates = self.gate(mask + trunk if self._levels else mask)
        return self.last((gates + 1) * trunk)


@BACKBONES.family(VARIANTS)
class ResidualAttention(Backbone):
    """Maps ``(N, 3, H, W)`` images to the last feature of each resolution, finest first.

    Unlike those first published, the masks take images of any size.
    """

    def __init__(self, config: ResidualAttentionConfig, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        width = 32 if config.cifar else 64
        widths = [4 * width << stage for stage in range(4)]
        if config.cifar:
            self.stem = sequence(ConvNormAct(3, width, 3, norm=norm))
        else:
            self.stem = sequence(ConvNormAct(3, width, 7, strides=2, norm=norm), MaxPool2D(3, 2, 1))
        rows: list[list[HybridBlock]] = []
        for stage, channels in enumerate(widths[:3]):
            units = [_unit(width, channels, norm, stride=2 if stage else 1)]
            for _ in range(config.modules[stage]):
                levels = (2 if config.cifar else 3) - stage
                units.append(AttentionModule(channels, levels, config=config, norm=norm))
            rows.append([sequence(*units)])
            width = channels
        last = sequence(
            _unit(width, widths[3], norm, stride=1 if config.cifar else 2),
            _chain(widths[3], 2, norm),
            norm(in_channels=widths[3]),
            relu(),
        )
        if config.cifar:  # whose last two stages have one resolution
            rows[-1].append(last)
            del widths[2]
        else:
            rows.append([last])
        self.stages = Stages(rows)
        self.channels = tuple(widths)
        self.strides = (1, 2, 4) if config.cifar else (4, 8, 16, 32)

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature."""
        return PooledConvHead(self.channels[-1], classes)
