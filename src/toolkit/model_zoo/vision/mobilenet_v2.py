"""MobileNet v2: Sandler et al., 2018, https://arxiv.org/abs/1801.04381."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, HybridSequential

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.conv import ConvNormAct, Norm
from toolkit.nn.features import features_of
from toolkit.nn.head import PooledConvHead


@dataclass(frozen=True)
class MobileNetV2Config:
    """What tells one MobileNet v2 from another."""

    width: float  # all channels but the last feature's are multiplied by it


VARIANTS = {
    "mobilenetv2_1.0": MobileNetV2Config(1.0),
    "mobilenetv2_0.75": MobileNetV2Config(0.75),
    "mobilenetv2_0.5": MobileNetV2Config(0.5),
    "mobilenetv2_0.25": MobileNetV2Config(0.25),
}

# Channels of each block at width 1, a row a resolution; the first block of all rows but the first
# strides, the very first does not expand.
ROWS = ((16,), (24, 24), (32, 32, 32), (64,) * 4 + (96,) * 3, (160, 160, 160, 320))
EXPANSION = 6
LAST = 1280


class ReLU6(HybridBlock):
    """``min(max(x, 0), 6)``."""

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps any shape to itself."""
        return F.clip(x, 0, 6)


class InvertedResidual(HybridBlock):
    """Expands by a 1x1, filters each channel by a 3x3, projects; adds ``x`` where shapes agree.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the output.
        expanded: Channels in between; None to filter the input as it is.
        stride: Stride of the 3x3 convolution.
        norm: Makes the normalizations.
    """

    def __init__(
        self, in_channels: int, channels: int, *, expanded: int | None, stride: int, norm: Norm
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


@BACKBONES.family(VARIANTS)
class MobileNetV2(HybridBlock):
    """Maps ``(N, 3, H, W)`` images to the last feature of each resolution, finest first.

    Args:
        config: A row of ``VARIANTS``.
        norm: Makes the normalizations, given ``in_channels``.
        head_bias: Give the classifier a bias, as in PyTorch's networks.
        expand_first: Give the very first block a 1x1 convolution too. MXNet's own model zoo does,
            so weights from there need it.
    """

    strides = (2, 4, 8, 16, 32)

    def __init__(
        self,
        config: MobileNetV2Config,
        *,
        norm: Norm = BatchNorm,
        head_bias: bool = False,
        expand_first: bool = False,
    ) -> None:
        super().__init__()
        self._head_bias = head_bias
        width = int(32 * config.width)
        self.stem = ConvNormAct(3, width, 3, strides=2, norm=norm, act=ReLU6)
        self.blocks = HybridSequential()
        self._taps: list[int] = []
        for row in ROWS:
            for place, base in enumerate(row):
                channels = int(base * config.width)
                stride = 2 if self._taps and place == 0 else 1
                expanded = width * EXPANSION if self._taps else width if expand_first else None
                self.blocks.add(
                    InvertedResidual(width, channels, expanded=expanded, stride=stride, norm=norm)
                )
                width = channels
            self._taps.append(len(self.blocks) - 1)
        self.last = ConvNormAct(width, LAST, norm=norm, act=ReLU6)
        self.channels = (*(int(row[-1] * config.width) for row in ROWS[:-1]), LAST)

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels`` at strides 2, 4, 8, 16 and 32."""
        x = self.stem(x)
        features = features_of(self.blocks, x, self._taps)
        features[-1] = self.last(features[-1])
        return features

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature: a 1x1 convolution."""
        return PooledConvHead(self.channels[-1], classes, use_bias=self._head_bias)
