"""Aligned Xception: Chollet, 2016, https://arxiv.org/abs/1610.02357.

As changed for segmentation: Chen et al., 2018, https://arxiv.org/abs/1802.02611.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import prod
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, HybridSequential

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm, relu
from toolkit.nn.head import PooledLinearHead

Channels = tuple[int, ...]  # of the separable convolutions of a unit


@dataclass(frozen=True)
class XceptionConfig:
    """What tells one Xception from another."""

    entry: tuple[tuple[Channels, int], ...]  # first units: channels, stride


VARIANTS = {
    "xception": XceptionConfig((((128,) * 3, 2), ((256,) * 3, 2))),
    "xception71": XceptionConfig(
        (((128,) * 3, 2), ((256,) * 2, 1), ((256,) * 3, 2), ((728,) * 3, 2))
    ),
}

WIDTH = 728  # of the units in the middle
MIDDLE = 16  # units in the middle
EXIT = (728, 1024, 1024)
LAST = (1536, 1536, 2048)


class SeparableConv(HybridBlock):
    """ReLU, a 3x3 convolution of each channel, a 1x1 of all; normalizes after both.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the output.
        norm: Makes the normalizations.
        stride: Stride of the 3x3 convolution.
        dilation: Dilation of the 3x3 convolution.
        activates: Whether the ReLU is there.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        norm: Norm,
        stride: int = 1,
        dilation: int = 1,
        activates: bool = True,
    ) -> None:
        super().__init__()
        conv = partial(ConvNormAct, in_channels, norm=norm, act=None)
        self.act = relu() if activates else None
        self.depthwise = conv(in_channels, 3, strides=stride, dilation=dilation, groups=in_channels)
        self.pointwise = conv(channels)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, channels, H', W')``."""
        if self.act is not None:
            x = self.act(x)
        return self.pointwise(self.depthwise(x))


class XceptionUnit(HybridBlock):
    """Separable convolutions, the last of which strides, and a shortcut past them.

    Args:
        in_channels: Channels of the input.
        channels: Channels of each convolution.
        norm: Makes the normalizations.
        stride: Stride of the unit.
        dilation: Dilation of the convolutions that do not stride.
        activates_first: Whether a ReLU precedes the first convolution too.
    """

    def __init__(
        self,
        in_channels: int,
        channels: Channels,
        *,
        norm: Norm,
        stride: int = 1,
        dilation: int = 1,
        activates_first: bool = True,
    ) -> None:
        super().__init__()
        self.shortcut = None
        if stride != 1 or in_channels != channels[-1]:
            self.shortcut = ConvNormAct(
                in_channels, channels[-1], strides=stride, norm=norm, act=None
            )
        self.body = HybridSequential()
        width = in_channels
        for place, after in enumerate(channels):
            strides = stride if place == len(channels) - 1 else 1
            self.body.add(
                SeparableConv(
                    width,
                    after,
                    norm=norm,
                    stride=strides,
                    dilation=dilation if strides == 1 else 1,
                    activates=activates_first or place > 0,
                )
            )
            width = after

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, channels[-1], H', W')``."""
        return self.body(x) + (x if self.shortcut is None else self.shortcut(x))


@BACKBONES.family(VARIANTS)
class Xception(HybridBlock):
    """Maps ``(N, 3, H, W)`` images to the last feature of each resolution, finest first.

    Args:
        config: A row of ``VARIANTS``.
        norm: Makes the normalizations, given ``in_channels``.
        output_stride: Stride of the coarsest feature; default the variant's own, 32 or 64. At a
            half or a quarter of that the last convolutions dilate instead of striding.

    Raises:
        ValueError: there is no such output stride.
    """

    def __init__(
        self, config: XceptionConfig, *, norm: Norm = BatchNorm, output_stride: int | None = None
    ) -> None:
        super().__init__()
        rows = [*config.entry, ((WIDTH,) * 3, 2), *[((WIDTH,) * 3, 1)] * MIDDLE, (EXIT, 2)]
        nominal = [2 * prod(stride for _, stride in rows[:end]) for end in range(len(rows) + 1)]
        coarsest = nominal[-1] if output_stride is None else output_stride
        if coarsest not in (nominal[-1], nominal[-1] // 2, nominal[-1] // 4):
            raise ValueError(
                f"output_stride must be {nominal[-1]}, {nominal[-1] // 2} or {nominal[-1] // 4}, "
                f"got {output_stride!r}"
            )
        self.stem = sequence(
            ConvNormAct(3, 32, 3, strides=2, norm=norm), ConvNormAct(32, 64, 3, norm=norm)
        )
        self.units = HybridSequential()
        widths, dilation = [64], 1
        for place, (channels, stride) in enumerate(rows):
            before, dilation = dilation, max(1, nominal[place + 1] // coarsest)
            unit = XceptionUnit(
                widths[-1],
                channels,
                norm=norm,
                stride=stride * before // dilation,
                dilation=before,  # that of the unit before, which a unit that would stride keeps
                activates_first=place >= len(config.entry),
            )
            self.units.add(unit)
            widths.append(channels[-1])
        self.last = HybridSequential()
        for width in LAST:
            self.last.add(SeparableConv(widths[-1], width, norm=norm, dilation=dilation))
            widths[-1] = width
        self.act = relu()
        # Where the next unit would stride, the stem being 0.
        ends = [i for i, (a, b) in enumerate(pairwise(nominal)) if a < b]
        self._taps = [end - 1 for end in ends[1:]]
        self.channels = tuple(widths[end] for end in (*ends, -1))
        self.strides = tuple(min(nominal[end], coarsest) for end in (*ends, -1))

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels`` at ``strides``."""
        x = self.stem(x)
        features = [x]
        for index, unit in enumerate(self.units):
            x = unit(x)
            if index == 0:
                x = self.act(x)
            if index in self._taps:
                features.append(x)
        return [*features, self.act(self.last(x))]

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature."""
        return PooledLinearHead(self.channels[-1], classes)
