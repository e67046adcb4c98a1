"""ShuffleNet v1: Zhang et al., 2017, https://arxiv.org/abs/1707.01083.

ShuffleNet v2: Ma et al., 2018, https://arxiv.org/abs/1807.11164.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import AvgPool2D, BatchNorm, MaxPool2D

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.backbone import Backbone, Stages
from toolkit.nn.containers import sequence
from toolkit.nn.conv import Conv2D, ConvNormAct, Norm, relu


@dataclass(frozen=True)
class ShuffleNetConfig:
    """What tells one ShuffleNet from another."""

    channels: tuple[int, int, int]  # of the three stages
    groups: int = 0  # of v1's 1x1 convolutions; 0 for v2, which splits the channels in two
    last: int = 0  # channels of v2's 1x1 convolution on top


VARIANTS = {
    "shufflenet_v1": ShuffleNetConfig((240, 480, 960), groups=3),
    "shufflenet_v2": ShuffleNetConfig((116, 232, 464), last=1024),
}

STEM = 24
DEPTHS = (4, 8, 4)  # units in each stage; the first strides


def shuffle_channels(F: Any, x: Any, groups: int) -> Any:
    """Puts the first channel of each of ``groups`` groups first, then the second of each, ..."""
    x = F.reshape(x, (0, -4, groups, -1, -2))
    return F.reshape(F.swapaxes(x, 1, 2), (0, -3, -2))


class GroupedUnit(HybridBlock):
    """The unit of v1: grouped 1x1 convolutions around one that filters each channel.

    At stride 2 the pooled input makes the first channels of the output, else it is added.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the output.
        groups: Groups of the 1x1 convolutions.
        grouped_input: Group the first one, too, and shuffle what it gives.
        norm: Makes the normalizations.
    """

    def __init__(
        self, in_channels: int, channels: int, *, groups: int, grouped_input: bool, norm: Norm
    ) -> None:
        super().__init__()
        self._strides = in_channels != channels
        added = channels - in_channels if self._strides else channels
        inner, stride = added // 4, 2 if self._strides else 1
        conv = partial(ConvNormAct, norm=norm, use_bias=True)
        self._groups = groups if grouped_input else 1
        self.squeeze = conv(in_channels, inner, groups=self._groups)
        self.filter = conv(inner, inner, 3, strides=stride, groups=inner, act=None)
        self.expand = conv(inner, added, groups=groups, act=None)
        self.pool = AvgPool2D(3, 2, 1) if self._strides else None
        self.act = relu()

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, channels, H', W')``."""
        y = self.squeeze(x)
        if self._groups > 1:
            y = shuffle_channels(F, y, self._groups)
        y = self.expand(self.filter(y))
        return self.act(x + y if self.pool is None else F.concat(self.pool(x), y, dim=1))


class SplitUnit(HybridBlock):
    """The unit of v2: convolutions on one half of the channels, the other kept; then a shuffle.

    At stride 2 both branches see all channels, and both have convolutions.
    """

    def __init__(self, in_channels: int, channels: int, *, norm: Norm) -> None:
        super().__init__()
        self._half = half = channels // 2
        strides = in_channels != channels
        conv = partial(ConvNormAct, norm=norm)
        self.shortcut = None
        if strides:
            self.shortcut = sequence(
                conv(in_channels, in_channels, 3, strides=2, groups=in_channels, act=None),
                conv(in_channels, half),
            )
        self.body = sequence(
            conv(in_channels if strides else half, half),
            conv(half, half, 3, strides=2 if strides else 1, groups=half, act=None),
            conv(half, half),
        )

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, channels, H', W')``."""
        if self.shortcut is not None:
            kept, x = self.shortcut(x), self.body(x)
        else:
            kept = F.slice_axis(x, axis=1, begin=0, end=self._half)
            x = self.body(F.slice_axis(x, axis=1, begin=self._half, end=None))
        return shuffle_channels(F, F.concat(kept, x, dim=1), 2)


@BACKBONES.family(VARIANTS)
class ShuffleNet(Backbone):
    """Maps ``(N, 3, H, W)`` images to the last feature of each resolution, finest first."""

    strides = (2, 4, 8, 16, 32)

    def __init__(self, config: ShuffleNetConfig, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        if config.groups:
            self.stem = Conv2D(STEM, 3, 2, 1, in_channels=3)
        else:
            self.stem = ConvNormAct(3, STEM, 3, strides=2, norm=norm)
        self.pool = MaxPool2D(3, 2, 1)
        stages = []
        width = STEM
        for stage, (depth, channels) in enumerate(zip(DEPTHS, config.channels, strict=True)):
            units: list[HybridBlock] = []
            for place in range(depth):
                if config.groups:
                    unit = partial(GroupedUnit, grouped_input=bool(stage or place))
                    units.append(unit(width, channels, groups=config.groups, norm=norm))
                else:
                    units.append(SplitUnit(width, channels, norm=norm))
                width = channels
            stages.append([sequence(*units)])
        self.stages = Stages(stages)
        self.last = ConvNormAct(width, config.last, norm=norm) if config.last else None
        self.channels = (STEM, STEM, *config.channels[:-1], config.last or width)

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels`` at strides 2, 4, 8, 16 and 32."""
        first = self.stem(x)
        second = self.pool(first)
        *features, x = self.stages(second)
        return [first, second, *features, x if self.last is None else self.last(x)]
