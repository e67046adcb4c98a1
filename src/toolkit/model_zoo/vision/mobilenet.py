"""MobileNet v1: Howard et al., 2017, https://arxiv.org/abs/1704.04861.

MobileNet v2: Sandler et al., 2018, https://arxiv.org/abs/1801.04381; v3: Howard et al., 2019,
https://arxiv.org/abs/1905.02244.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from typing import Any, NamedTuple

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, Dropout, Flatten, GlobalAvgPool2D, HybridSequential

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.activation import HardSigmoid, HardSwish, ReLU6
from toolkit.nn.attention import ConvSqueezeExcitation
from toolkit.nn.backbone import Backbone, Stages
from toolkit.nn.containers import sequence
from toolkit.nn.conv import Conv2D, ConvNormAct, Norm, relu
from toolkit.nn.head import PooledConvHead
from toolkit.nn.residual import zero_gamma


@dataclass(frozen=True)
class MobileNetV1Config:
    """What tells one MobileNet v1 from another."""

    width: float  # all channels are multiplied by it


@dataclass(frozen=True)
class MobileNetV2Config:
    """What tells one MobileNet v2 from another."""

    width: float  # all channels but the last feature's are multiplied by it
    head_bias: bool = False  # of the classifier: PyTorch's networks have one
    expand_first: bool = False  # the very first block, too, as weights of MXNet's own zoo want it


class Row(NamedTuple):
    """One block of a MobileNet v3."""

    kernel_size: int  # of the convolution that filters each channel
    expanded: int  # channels in between
    channels: int  # of the output
    gated: bool = False  # squeeze-excitation of the channels in between
    smooth: bool = False  # hard swish in place of ReLU


@dataclass(frozen=True)
class MobileNetV3Config:
    """What tells one MobileNet v3 from another."""

    # The blocks at strides 2, 4, 8, 16 and 32; the first of each but of stride 2 strides.
    rows: tuple[tuple[Row, ...], ...]
    last: int  # channels of the last feature
    epsilon: float = 1e-5  # added to the variances
    hidden: int = 1280  # channels of the classifier's layer before the last
    hidden_bias: bool = False  # of that layer: PyTorch's networks have one
    dropout: float = 0.2  # rate before the classifier's last layer
    zero_last_gamma: bool = False  # the last scale of what adds its input begins at zero


WIDTHS = ("1.0", "0.75", "0.5", "0.25")
V1_VARIANTS = {f"mobilenet{width}": MobileNetV1Config(float(width)) for width in WIDTHS}
V2_VARIANTS = {f"mobilenetv2_{width}": MobileNetV2Config(float(width)) for width in WIDTHS}
_gated, _smooth = partial(Row, gated=True), partial(Row, smooth=True)
_both = partial(Row, gated=True, smooth=True)
V3_VARIANTS = {
    "mobilenetv3_large": MobileNetV3Config(
        (
            (Row(3, 16, 16),),
            (Row(3, 64, 24), Row(3, 72, 24)),
            (_gated(5, 72, 40), _gated(5, 120, 40), _gated(5, 120, 40)),
            (
                *(_smooth(3, expanded, 80) for expanded in (240, 200, 184, 184)),
                *(_both(3, expanded, 112) for expanded in (480, 672)),
            ),
            (_both(5, 672, 160), _both(5, 960, 160), _both(5, 960, 160)),
        ),
        last=960,
    ),
    "mobilenetv3_small": MobileNetV3Config(
        (
            (),
            (_gated(3, 16, 16),),
            (Row(3, 72, 24), Row(3, 88, 24)),
            (
                *(_both(5, expanded, 40) for expanded in (96, 240, 240)),
                *(_both(5, expanded, 48) for expanded in (120, 144)),
            ),
            (_both(5, 288, 96), _both(5, 576, 96), _both(5, 576, 96)),
        ),
        last=576,
    ),
}

# Channels of each block at width 1, a row a resolution; the first block of all rows but the first
# strides, v2's very first does not expand.
V1_ROWS = ((64,), (128, 128), (256, 256), (512,) * 6, (1024, 1024))
V2_ROWS = ((16,), (24, 24), (32, 32, 32), (64,) * 4 + (96,) * 3, (160, 160, 160, 320))
V2_LAST = 1280  # channels of the last feature
EXPANSION = 6


def _stages(
    width: int, rows: Sequence[Sequence[int | Row]], make: Callable[..., HybridBlock]
) -> Stages:
    """Blocks of ``width`` and more channels; the first of each row but the first strides."""
    stages: list[list[HybridBlock]] = []
    for index, row in enumerate(rows):
        stages.append([])
        for place, block in enumerate(row):
            stages[-1].append(make(width, block, stride=2 if index and place == 0 else 1))
            width = block if isinstance(block, int) else block.channels
    return Stages(stages)


def _separable(in_channels: int, channels: int, *, stride: int, norm: Norm) -> HybridBlock:
    """A depthwise and a pointwise convolution."""
    return sequence(
        ConvNormAct(in_channels, in_channels, 3, strides=stride, groups=in_channels, norm=norm),
        ConvNormAct(in_channels, channels, norm=norm),
    )


class InvertedResidual(HybridBlock):
    """Expands by a 1x1, filters each channel by a 3x3, projects; adds ``x`` where shapes agree.

    Of ``expanded`` channels in between, 0 stands for those of the input, filtered as they are.
    """

    def __init__(
        self, in_channels: int, channels: int, *, expanded: int, stride: int, norm: Norm
    ) -> None:
        super().__init__()
        conv = partial(ConvNormAct, norm=norm, act=ReLU6)
        inner = expanded or in_channels
        self.body = HybridSequential()
        if expanded:
            self.body.add(conv(in_channels, inner))
        self.body.add(
            conv(inner, inner, 3, strides=stride, groups=inner),
            ConvNormAct(inner, channels, norm=norm, act=None),
        )
        self._adds = stride == 1 and in_channels == channels

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, channels, H', W')``."""
        return self.body(x) + x if self._adds else self.body(x)


class GatedInvertedResidual(HybridBlock):
    """Expands by a 1x1, filters each channel, may gate them, projects; may add ``x``.

    The 1x1 that expands is left out where the output has as many channels as there are in between;
    ``x`` is added where its shape is that of the output.
    """

    def __init__(
        self, in_channels: int, row: Row, *, stride: int, norm: Norm, zero_last_gamma: bool = False
    ) -> None:
        super().__init__()
        self._adds = stride == 1 and in_channels == row.channels
        conv = partial(ConvNormAct, norm=norm, act=HardSwish if row.smooth else relu)
        inner, channels = row.expanded, row.channels
        self.expand = conv(in_channels, inner) if inner != channels else None
        self.filter = conv(inner, inner, row.kernel_size, strides=stride, groups=inner)
        self.attention = None
        if row.gated:
            squeezed = -(-(inner // 4) // 8) * 8
            self.attention = ConvSqueezeExcitation(
                inner, squeezed, pool=GlobalAvgPool2D(), gate=HardSigmoid()
            )
        last_norm = zero_gamma(norm, self._adds and zero_last_gamma)
        self.project = ConvNormAct(inner, channels, norm=last_norm, act=None)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, channels, H', W')``."""
        y = self.filter(x if self.expand is None else self.expand(x))
        if self.attention is not None:
            y = self.attention(y)
        y = self.project(y)
        return x + y if self._adds else y


class MobileNetV3Head(HybridBlock):
    """Global average pooling, a 1x1 convolution, hard swish, dropout, another 1x1."""

    def __init__(self, in_channels: int, classes: int, config: MobileNetV3Config) -> None:
        super().__init__()
        hidden, use_bias = config.hidden, config.hidden_bias
        self.pool = GlobalAvgPool2D()
        self.hidden = Conv2D(hidden, 1, use_bias=use_bias, in_channels=in_channels)
        self.act = HardSwish()
        self.dropout = Dropout(config.dropout)
        self.output = Conv2D(classes, 1, in_channels=hidden)
        self.flatten = Flatten()

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, C, H, W)`` to scores ``(N, classes)``."""
        x = self.act(self.hidden(self.pool(x)))
        return self.flatten(self.output(self.dropout(x)))


@BACKBONES.family(V1_VARIANTS)
class MobileNetV1(Backbone):
    """Maps ``(N, 3, H, W)`` images to the last feature of each resolution, finest first."""

    strides = (2, 4, 8, 16, 32)

    def __init__(self, config: MobileNetV1Config, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        width = int(32 * config.width)
        self.stem = ConvNormAct(3, width, 3, strides=2, norm=norm)
        rows = [[int(base * config.width) for base in row] for row in V1_ROWS]
        self.blocks = _stages(width, rows, partial(_separable, norm=norm))
        self.channels = tuple(row[-1] for row in rows)


@BACKBONES.family(V2_VARIANTS)
class MobileNetV2(Backbone):
    """Maps ``(N, 3, H, W)`` images to the last feature of each resolution, finest first."""

    strides = (2, 4, 8, 16, 32)

    def __init__(self, config: MobileNetV2Config, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        self._head_bias = config.head_bias
        width = int(32 * config.width)
        self.stem = ConvNormAct(3, width, 3, strides=2, norm=norm, act=ReLU6)
        rows = [[int(base * config.width) for base in row] for row in V2_ROWS]
        expansions = chain([int(config.expand_first)], repeat(EXPANSION))

        def make(before: int, channels: int, *, stride: int) -> HybridBlock:
            expanded = before * next(expansions)
            return InvertedResidual(before, channels, expanded=expanded, stride=stride, norm=norm)

        self.blocks = _stages(width, rows, make)
        self.last = ConvNormAct(rows[-1][-1], V2_LAST, norm=norm, act=ReLU6)
        self.channels = (*(row[-1] for row in rows[:-1]), V2_LAST)

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature: a 1x1 convolution."""
        return PooledConvHead(self.channels[-1], classes, use_bias=self._head_bias)


@BACKBONES.family(V3_VARIANTS)
class MobileNetV3(Backbone):
    """Maps ``(N, 3, H, W)`` images to the last feature of each resolution, finest first."""

    strides = (2, 4, 8, 16, 32)

    def __init__(self, config: MobileNetV3Config, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        self._config = config
        norm = partial(norm, epsilon=config.epsilon)
        make = partial(GatedInvertedResidual, norm=norm, zero_last_gamma=config.zero_last_gamma)
        self.stem = ConvNormAct(3, 16, 3, strides=2, norm=norm, act=HardSwish)
        self.blocks = _stages(16, config.rows, make)
        *ends, width = (row[-1].channels if row else 16 for row in config.rows)
        self.last = ConvNormAct(width, config.last, norm=norm, act=HardSwish)
        self.channels = (*ends, config.last)

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature."""
        return MobileNetV3Head(self.channels[-1], classes, self._config)
