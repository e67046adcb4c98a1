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
from toolkit.nn.backbone import Backbone, Stages
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm, relu
from toolkit.nn.residual import projection

Channels = tuple[int, ...]  # of the separable convolutions of a unit


@dataclass(frozen=True)
class XceptionConfig:
    """What tells one Xception from another."""

    entry: tuple[tuple[Channels, int], ...]  # first units: channels, stride
    # Of the coarsest feature, 0 for 32 or 64, the variant's own. At a half or a quarter of that the
    # last convolutions dilate instead of striding.
    output_stride: int = 0


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
        activates_last: Whether a ReLU follows the sum.
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
        activates_last: bool = False,
    ) -> None:
        super().__init__()
        self.shortcut = None
        if stride != 1 or in_channels != channels[-1]:
            self.shortcut = projection(in_channels, channels[-1], stride, norm)
        self.body = HybridSequential()
        for place, (before, after) in enumerate(pairwise((in_channels, *channels))):
            make = partial(SeparableConv, norm=norm, activates=activates_first or place > 0)
            strides = stride if place == len(channels) - 1 else 1
            dilates = dilation if strides == 1 else 1
            self.body.add(make(before, after, stride=strides, dilation=dilates))
        self.act = relu() if activates_last else None

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, channels[-1], H', W')``."""
        x = self.body(x) + (x if self.shortcut is None else self.shortcut(x))
        return x if self.act is None else self.act(x)


@BACKBONES.family(VARIANTS)
class Xception(Backbone):
    """Maps ``(N, 3, H, W)`` images to the last feature of each resolution, finest first.

    Raises:
        ValueError: there is no such output stride.
    """

    def __init__(self, config: XceptionConfig, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        rows = [*config.entry, ((WIDTH,) * 3, 2), *[((WIDTH,) * 3, 1)] * MIDDLE, (EXIT, 2)]
        full = 2 * prod(stride for _, stride in rows)
        coarsest = config.output_stride or full
        if coarsest not in (full, full // 2, full // 4):
            raise ValueError(
                f"output_stride must be {full}, {full // 2} or {full // 4}, got {coarsest!r}"
            )
        self.stem = sequence(
            ConvNormAct(3, 32, 3, strides=2, norm=norm), ConvNormAct(32, 64, 3, norm=norm)
        )
        width, nominal, dilation = 64, 2, 1
        features = [(width, nominal)]  # channels and, without dilation, stride
        units: list[list[HybridBlock]] = [[]]
        for place, (channels, stride) in enumerate(rows):
            nominal *= stride
            before, dilation = dilation, max(1, nominal // coarsest)
            # Its dilation is that of the unit before, which a unit that would stride keeps.
            make = partial(XceptionUnit, stride=stride * before // dilation, dilation=before)
            first = place >= len(config.entry)
            unit = make(width, channels, norm=norm, activates_first=first, activates_last=not place)
            width = channels[-1]
            if stride > 1:
                units.append([])
                features.append((0, 0))
            units[-1].append(unit)
            features[-1] = width, nominal
        self.units = Stages(units)
        self.last = HybridSequential()
        for before, after in pairwise((width, *LAST)):
            self.last.add(SeparableConv(before, after, norm=norm, dilation=dilation))
        self.act = relu()
        self.channels = (*(channels for channels, _ in features[:-1]), LAST[-1])
        self.strides = tuple(min(stride, coarsest) for _, stride in features)
