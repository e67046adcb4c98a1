"""MobileNet v3: Howard et al., 2019, https://arxiv.org/abs/1905.02244."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import (
    BatchNorm,
    Conv2D,
    Dropout,
    Flatten,
    GlobalAvgPool2D,
    HybridSequential,
)

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.attention import ConvSqueezeExcitation
from toolkit.nn.conv import ConvNormAct, Norm, relu


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


VARIANTS = {
    "mobilenetv3_large": MobileNetV3Config(
        (
            (Row(3, 16, 16),),
            (Row(3, 64, 24), Row(3, 72, 24)),
            (Row(5, 72, 40, gated=True), *[Row(5, 120, 40, gated=True)] * 2),
            (
                Row(3, 240, 80, smooth=True),
                Row(3, 200, 80, smooth=True),
                *[Row(3, 184, 80, smooth=True)] * 2,
                Row(3, 480, 112, gated=True, smooth=True),
                Row(3, 672, 112, gated=True, smooth=True),
            ),
            (
                Row(5, 672, 160, gated=True, smooth=True),
                *[Row(5, 960, 160, gated=True, smooth=True)] * 2,
            ),
        ),
        last=960,
    ),
    "mobilenetv3_small": MobileNetV3Config(
        (
            (),
            (Row(3, 16, 16, gated=True),),
            (Row(3, 72, 24), Row(3, 88, 24)),
            (
                Row(5, 96, 40, gated=True, smooth=True),
                *[Row(5, 240, 40, gated=True, smooth=True)] * 2,
                Row(5, 120, 48, gated=True, smooth=True),
                Row(5, 144, 48, gated=True, smooth=True),
            ),
            (
                Row(5, 288, 96, gated=True, smooth=True),
                *[Row(5, 576, 96, gated=True, smooth=True)] * 2,
            ),
        ),
        last=576,
    ),
}

STEM = 16


class HardSigmoid(HybridBlock):
    """``min(max(x + 3, 0), 6) / 6``."""

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps any shape to itself."""
        return F.clip(x + 3, 0, 6) / 6


class HardSwish(HybridBlock):
    """``x`` times its hard sigmoid."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = HardSigmoid()

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps any shape to itself."""
        return x * self.gate(x)


class GatedInvertedResidual(HybridBlock):
    """Expands by a 1x1, filters each channel, may gate them, projects; may add ``x``.

    The 1x1 that expands is left out where the output has as many channels as there are in between;
    ``x`` is added where its shape is that of the output.
    """

    def __init__(self, in_channels: int, row: Row, *, stride: int, norm: Norm) -> None:
        super().__init__()
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
        self.project = ConvNormAct(inner, channels, norm=norm, act=None)
        self._adds = stride == 1 and in_channels == channels

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, channels, H', W')``."""
        y = self.filter(x if self.expand is None else self.expand(x))
        if self.attention is not None:
            y = self.attention(y)
        y = self.project(y)
        return x + y if self._adds else y


class MobileNetV3Head(HybridBlock):
    """Global average pooling, a 1x1 convolution, hard swish, dropout, another 1x1."""

    def __init__(
        self, in_channels: int, classes: int, *, hidden: int, hidden_bias: bool, dropout: float
    ) -> None:
        super().__init__()
        self.pool = GlobalAvgPool2D()
        self.hidden = Conv2D(hidden, 1, use_bias=hidden_bias, in_channels=in_channels)
        self.act = HardSwish()
        self.dropout = Dropout(dropout)
        self.output = Conv2D(classes, 1, in_channels=hidden)
        self.flatten = Flatten()

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, C, H, W)`` to scores ``(N, classes)``."""
        x = self.act(self.hidden(self.pool(x)))
        return self.flatten(self.output(self.dropout(x)))


@BACKBONES.family(VARIANTS)
class MobileNetV3(HybridBlock):
    """Maps ``(N, 3, H, W)`` images to the last feature of each resolution, finest first.

    Args:
        config: A row of ``VARIANTS``.
        norm: Makes the normalizations, given ``in_channels`` and ``epsilon``.
        epsilon: Added to the variances.
        hidden: Channels of the classifier's layer before the last.
        hidden_bias: Give that layer a bias. PyTorch's networks have one.
        dropout: Rate of the dropout before the last layer of the classifier.
    """

    strides = (2, 4, 8, 16, 32)

    def __init__(
        self,
        config: MobileNetV3Config,
        *,
        norm: Norm = BatchNorm,
        epsilon: float = 1e-5,
        hidden: int = 1280,
        hidden_bias: bool = False,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self._head = partial(
            MobileNetV3Head, hidden=hidden, hidden_bias=hidden_bias, dropout=dropout
        )
        norm = partial(norm, epsilon=epsilon)
        width = STEM
        self.stem = ConvNormAct(3, width, 3, strides=2, norm=norm, act=HardSwish)
        self.blocks = HybridSequential()
        self._ends: list[int] = []  # how many blocks there are up to each resolution's end
        self.channels: tuple[int, ...] = ()
        for index, rows in enumerate(config.rows):
            for place, row in enumerate(rows):
                stride = 2 if index and place == 0 else 1
                self.blocks.add(GatedInvertedResidual(width, row, stride=stride, norm=norm))
                width = row.channels
            self._ends.append(len(self.blocks))
            self.channels += (width,)
        self.last = ConvNormAct(width, config.last, norm=norm, act=HardSwish)
        self.channels = (*self.channels[:-1], config.last)

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels`` at strides 2, 4, 8, 16 and 32."""
        outputs = [self.stem(x)]
        for block in self.blocks:
            outputs.append(block(outputs[-1]))
        features = [outputs[end] for end in self._ends]
        features[-1] = self.last(features[-1])
        return features

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature."""
        return self._head(self.channels[-1], classes)
