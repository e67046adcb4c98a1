"""MobileNet v1: Howard et al., 2017, https://arxiv.org/abs/1704.04861."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, HybridSequential

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm
from toolkit.nn.features import features_of
from toolkit.nn.head import PooledLinearHead


@dataclass(frozen=True)
class MobileNetV1Config:
    """What tells one MobileNet v1 from another."""

    width: float  # all channels are multiplied by it


VARIANTS = {
    "mobilenet1.0": MobileNetV1Config(1.0),
    "mobilenet0.75": MobileNetV1Config(0.75),
    "mobilenet0.5": MobileNetV1Config(0.5),
    "mobilenet0.25": MobileNetV1Config(0.25),
}

# Channels of each block at width 1, a row a resolution; the first block of all rows but the first
# strides.
ROWS = ((64,), (128, 128), (256, 256), (512,) * 6, (1024, 1024))


def _separable(in_channels: int, channels: int, stride: int, norm: Norm) -> HybridBlock:
    """A depthwise and a pointwise convolution."""
    return sequence(
        ConvNormAct(in_channels, in_channels, 3, strides=stride, groups=in_channels, norm=norm),
        ConvNormAct(in_channels, channels, norm=norm),
    )


@BACKBONES.family(VARIANTS)
class MobileNetV1(HybridBlock):
    """Maps ``(N, 3, H, W)`` images to the last feature of each resolution, finest first."""

    strides = (2, 4, 8, 16, 32)

    def __init__(self, config: MobileNetV1Config, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        width = int(32 * config.width)
        self.stem = ConvNormAct(3, width, 3, strides=2, norm=norm)
        self.blocks = HybridSequential()
        self._taps: list[int] = []
        for row in ROWS:
            for place, base in enumerate(row):
                channels = int(base * config.width)
                stride = 2 if self._taps and place == 0 else 1
                self.blocks.add(_separable(width, channels, stride, norm))
                width = channels
            self._taps.append(len(self.blocks) - 1)
        self.channels = tuple(int(row[-1] * config.width) for row in ROWS)

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels`` at strides 2, 4, 8, 16 and 32."""
        x = self.stem(x)
        return features_of(self.blocks, x, self._taps)

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature."""
        return PooledLinearHead(self.channels[-1], classes)
