"""Residual Attention Network: Wang et al., 2017, https://arxiv.org/abs/1704.06904."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Activation, BatchNorm, Conv2D, HybridSequential, MaxPool2D

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm, relu
from toolkit.nn.features import features_of
from toolkit.nn.head import PooledConvHead
from toolkit.nn.residual import PreActUnit, pre_activation_bottleneck


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


@dataclass(frozen=True)
class _Units:
    """Makes the residual units of one network."""

    norm: Norm

    def unit(self, in_channels: int, channels: int, stride: int = 1) -> HybridBlock:
        """One unit, normalized and activated before each of its three convolutions."""
        norm = self.norm(in_channels=in_channels)
        body = pre_activation_bottleneck(
            in_channels, channels, inner=channels // 4, stride=stride, norm=self.norm
        )
        shortcut = None
        if in_channels != channels:
            shortcut = Conv2D(channels, 1, stride, use_bias=False, in_channels=in_channels)
        return PreActUnit(norm, body, shortcut)

    def chain(self, channels: int, depth: int) -> HybridBlock:
        """So many units of the same shape."""
        return sequence(*(self.unit(channels, channels) for _ in range(depth)))


class Hourglass(HybridBlock):
    """Units at ever coarser resolutions, each brought back to the size of its input.

    Args:
        channels: Channels of input and output.
        levels: How many times the size is halved.
        depth: Residual units in a row; twice as many at the coarsest resolution.
        make: Makes the units.
    """

    def __init__(self, channels: int, levels: int, depth: int, *, make: _Units) -> None:
        super().__init__()
        self.pool = MaxPool2D(3, 2, 1)
        self.down = make.chain(channels, depth if levels > 1 else 2 * depth)
        self._levels = levels
        if levels > 1:
            self.inner = Hourglass(channels, levels - 1, depth, make=make)
            self.skip = make.unit(channels, channels)
            self.up = make.chain(channels, depth)

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
        make: Makes the units.
    """

    def __init__(
        self, channels: int, levels: int, *, config: ResidualAttentionConfig, make: _Units
    ) -> None:
        super().__init__()
        self._levels = levels
        self.first = make.chain(channels, config.around)
        gate = sequence(
            make.norm(in_channels=channels),
            relu(),
            ConvNormAct(channels, channels, norm=make.norm),
            Conv2D(channels, 1, use_bias=False, in_channels=channels),
            Activation("sigmoid"),
        )
        trunk = make.chain(channels, config.trunk)
        # In the order of the graph, by which the files of exported networks are matched.
        if levels:
            self.mask = Hourglass(channels, levels, config.mask, make=make)
            self.trunk = trunk
            self.gate = gate
        else:
            self.mask = make.chain(channels, 2 * config.mask)
            self.gate = gate
            self.trunk = trunk
        self.last = make.unit(channels, channels)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, channels, H, W)`` to the same shape."""
        x = self.first(x)
        mask, trunk = self.mask(x), self.trunk(x)
        gates = self.gate(mask + trunk if self._levels else mask)
        return self.last((gates + 1) * trunk)


@BACKBONES.family(VARIANTS)
class ResidualAttention(HybridBlock):
    """Maps ``(N, 3, H, W)`` images to the last feature of each resolution, finest first.

    Unlike those first published, the masks take images of any size.

    Args:
        config: A row of ``VARIANTS``.
        norm: Makes the normalizations, given ``in_channels``.
    """

    def __init__(self, config: ResidualAttentionConfig, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        make = _Units(norm)
        width = 32 if config.cifar else 64
        widths = [4 * width << stage for stage in range(4)]
        if config.cifar:
            self.stem = sequence(ConvNormAct(3, width, 3, norm=norm))
        else:
            self.stem = sequence(ConvNormAct(3, width, 7, strides=2, norm=norm), MaxPool2D(3, 2, 1))
        self.stages = HybridSequential()
        for stage, channels in enumerate(widths[:3]):
            units = [make.unit(width, channels, stride=2 if stage else 1)]
            for _ in range(config.modules[stage]):
                levels = (2 if config.cifar else 3) - stage
                units.append(AttentionModule(channels, levels, config=config, make=make))
            self.stages.add(sequence(*units))
            width = channels
        self.stages.add(
            sequence(
                make.unit(width, widths[3], stride=1 if config.cifar else 2),
                make.chain(widths[3], 2),
                norm(in_channels=widths[3]),
                relu(),
            )
        )
        # CIFAR's last two stages have one resolution.
        self._taps = (0, 1, 3) if config.cifar else (0, 1, 2, 3)
        self.strides = (1, 2, 4) if config.cifar else (4, 8, 16, 32)
        self.channels = tuple(widths[tap] for tap in self._taps)

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels`` at ``strides``."""
        return features_of(self.stages, self.stem(x), self._taps)

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature."""
        return PooledConvHead(self.channels[-1], classes)
