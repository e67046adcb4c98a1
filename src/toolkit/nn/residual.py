"""Residual units: He et al., 2015, https://arxiv.org/abs/1512.03385 and 2016, 1603.05027."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import AvgPool2D, BatchNorm

from toolkit.nn.backbone import Stages
from toolkit.nn.containers import sequence
from toolkit.nn.conv import Act, Conv2D, ConvNormAct, Norm, relu

# Units in the four stages of the networks with so many layers.
DEPTHS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}


def zero_gamma(norm: Norm, zero: bool = True) -> Norm:
    """Normalizations whose scale begins at zero: what ends a unit's body, the unit an identity."""
    return partial(norm, gamma_initializer="zeros") if zero else norm


def bottleneck(
    in_channels: int,
    channels: int,
    *,
    widths: tuple[int, int],
    stride: int = 1,
    groups: int = 1,
    norm: Norm = BatchNorm,
    last_norm: Norm | None = None,
) -> HybridBlock:
    """A unit's body: a 1x1 convolution, a 3x3 that strides, a 1x1 that is not activated.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the output.
        widths: Channels after the first and after the second convolution.
        stride: Stride of the 3x3 convolution.
        groups: Groups of the 3x3 convolution.
        norm: Makes the normalizations, given ``in_channels``.
        last_norm: Makes the last of them; default ``norm``.
    """
    first, second = widths
    return sequence(
        ConvNormAct(in_channels, first, norm=norm),
        ConvNormAct(first, second, 3, strides=stride, groups=groups, norm=norm),
        ConvNormAct(second, channels, norm=last_norm or norm, act=None),
    )


def projection(in_channels: int, channels: int, stride: int, norm: Norm) -> HybridBlock:
    """The usual shortcut where sizes or channels differ: a 1x1 convolution that skips pixels."""
    return ConvNormAct(in_channels, channels, strides=stride, norm=norm, act=None)


def basic(
    in_channels: int,
    channels: int,
    *,
    inner: int | None = None,
    stride: int = 1,
    dilations: tuple[int, int] = (1, 1),
    norm: Norm,
    last_norm: Norm | None = None,
) -> HybridBlock:
    """A unit's body: two 3x3 convolutions, the first strides, the second is not activated.

    ``inner`` are the channels in between, by default those of the output.
    """
    first, second = dilations
    inner, conv = inner or channels, partial(ConvNormAct, kernel_size=3)
    return sequence(
        conv(in_channels, inner, strides=stride, dilation=first, norm=norm),
        conv(inner, channels, dilation=second, norm=last_norm or norm, act=None),
    )


def pooled_shortcut(in_channels: int, channels: int, stride: int, norm: Norm) -> HybridBlock:
    """A shortcut that strides by average pooling, not by skipping pixels."""
    return sequence(
        AvgPool2D(stride, stride, ceil_mode=True, count_include_pad=False),
        ConvNormAct(in_channels, channels, norm=norm, act=None),
    )


def pre_activation_bottleneck(
    in_channels: int,
    channels: int,
    *,
    inner: int,
    stride: int = 1,
    norm: Norm = BatchNorm,
    last_norm: Norm | None = None,
    last_act: Act = relu,
) -> HybridBlock:
    """What ``bottleneck`` makes, for units that normalize before each convolution.

    The normalization before the first is the unit's own; ``inner`` is the width in between.
    """
    return sequence(
        ConvNormAct(in_channels, inner, norm=norm),
        ConvNormAct(inner, inner, 3, strides=stride, norm=last_norm or norm, act=last_act),
        ConvNormAct(inner, channels, norm=None, act=None, use_bias=False),
    )


class ResidualUnit(HybridBlock):
    """``relu(body(x) + shortcut(x))``, activated after the sum; without a shortcut, ``x`` itself.

    ``attention`` is applied to what the body gives.
    """

    def __init__(
        self,
        body: HybridBlock,
        shortcut: HybridBlock | None = None,
        *,
        attention: HybridBlock | None = None,
    ) -> None:
        super().__init__()
        self.body = body
        self.attention = attention
        self.shortcut = shortcut
        self.act = relu()

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, C, H, W)`` to ``(N, C', H', W')``."""
        residual = x if self.shortcut is None else self.shortcut(x)
        x = self.body(x)
        if self.attention is not None:
            x = self.attention(x)
        # In this order: the other keeps oneDNN from fusing units with attention.
        return self.act(residual + x)


class PreActUnit(HybridBlock):
    """``body(a) + shortcut(a)`` with ``a = relu(norm(x))``; without a shortcut, ``x`` itself.

    ``attention`` is applied to what the body gives; ``raw_shortcut`` feeds the shortcut with ``x``
    in place of ``a``, and lets ``x`` be the output of a bare convolution.
    """

    def __init__(
        self,
        norm: HybridBlock,
        body: HybridBlock,
        shortcut: HybridBlock | None = None,
        *,
        attention: HybridBlock | None = None,
        raw_shortcut: bool = False,
    ) -> None:
        super().__init__()
        self.norm = norm
        self.act = relu()
        self.body = body
        self.attention = attention
        self.shortcut = shortcut
        self._raw_shortcut = raw_shortcut

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, C, H, W)`` to ``(N, C', H', W')``."""
        activated = self.act(self.norm(x))
        residual = x
        if self.shortcut is not None:
            residual = self.shortcut(x if self._raw_shortcut else activated)
        x = self.body(activated)
        if self.attention is not None:
            x = self.attention(x)
        if self._raw_shortcut:
            # Not fused: oneDNN's fusion is wrong where ``x`` comes straight from a convolution.
            return F.broadcast_add(residual, x)
        return residual + x


def pre_activation_unit(
    in_channels: int,
    channels: int,
    body: Callable[[int, int], HybridBlock],
    *,
    stride: int = 1,
    norm: Norm = BatchNorm,
    attention: HybridBlock | None = None,
    raw_shortcut: bool = False,
) -> HybridBlock:
    """A ``PreActUnit`` of a body between so many channels, with a bare 1x1 shortcut where needed.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the output.
        body: Makes the body, given those two.
        stride: Stride of body and shortcut.
        norm: Makes the first normalization, given ``in_channels``.
        attention: Applied to what the body gives.
        raw_shortcut: Feed the shortcut with the input as it is.
    """
    first = norm(in_channels=in_channels)
    between = body(in_channels, channels)
    shortcut = None
    if in_channels != channels:
        shortcut = Conv2D(channels, 1, stride, use_bias=False, in_channels=in_channels)
    return PreActUnit(first, between, shortcut, attention=attention, raw_shortcut=raw_shortcut)


@dataclass(frozen=True)
class Place:
    """Where in a network a residual unit stands, and what that asks of it."""

    stage: int
    index: int  # in the stage
    stride: int  # 2 where a stage begins that halves the size
    dilations: tuple[int, int] = (1, 1)  # of its first and its second 3x3 convolution

    def widths(self, stem: int, channels: Sequence[int]) -> tuple[int, int]:
        """Channels before and after it, given those of the stem and of each stage."""
        after = channels[self.stage]
        if self.index:
            return after, after
        return channels[self.stage - 1] if self.stage else stem, after


def halving_strides(output_stride: int) -> tuple[int, ...]:
    """Strides 4, 8, 16 and 32 of four stages, none above ``output_stride``.

    Raises:
        ValueError: it is not 32, 16 or 8.
    """
    if output_stride not in (8, 16, 32):
        raise ValueError(f"output_stride must be 8, 16 or 32, got {output_stride!r}")
    return tuple(min(4 << stage, output_stride) for stage in range(4))


def residual_stages(
    unit: Callable[[Place], HybridBlock],
    depths: Sequence[int],
    strides: Sequence[int],
    *,
    dilate: bool = True,
) -> Stages:
    """Stages of residual units; the first unit of all stages but the first strides by 2.

    Where ``strides`` stay the same from one stage to the next, the units dilate instead.

    Args:
        unit: Makes the unit of a place.
        depths: Units in each stage.
        strides: Pixels of the image to a cell of each stage.
        dilate: False for units that see less of the image where their stage does not stride.
    """
    stages = []
    before = 1  # dilation of the stage before, which a stage's first convolution keeps
    for stage, depth in enumerate(depths):
        dilation = (strides[0] << stage) // strides[stage] if dilate else 1
        stride = strides[stage] // strides[stage - 1] if stage else 1
        places = [Place(stage, 0, stride, (before, dilation))]
        places += [Place(stage, index, 1, (dilation, dilation)) for index in range(1, depth)]
        stages.append([sequence(*(unit(place) for place in places))])
        before = dilation
    return Stages(stages)
