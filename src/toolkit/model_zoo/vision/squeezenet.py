"""SqueezeNet: Iandola et al., 2016, https://arxiv.org/abs/1602.07360."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dropout, Flatten, GlobalAvgPool2D, MaxPool2D

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.backbone import Backbone, Stages
from toolkit.nn.conv import Conv2D, ConvNormAct, relu


@dataclass(frozen=True)
class SqueezeNetConfig:
    """What tells one SqueezeNet from another."""

    stem: tuple[int, int]  # channels and kernel size of the first convolution
    squeezed: tuple[tuple[int, ...], ...]  # squeeze channels of the fire blocks after each pooling
    dropout: float = 0.5  # rate before the classifier
    padded: bool = False  # features are the image over the stride, as grids of detectors need them


VARIANTS = {
    "squeezenet1.0": SqueezeNetConfig((96, 7), ((16, 16, 32), (32, 48, 48, 64), (64,))),
    "squeezenet1.1": SqueezeNetConfig((64, 3), ((16, 16), (32, 32), (48, 48, 64, 64))),
}


class Fire(HybridBlock):
    """A 1x1 convolution to few channels, then a 1x1 and a 3x3 to four times as many each."""

    def __init__(self, in_channels: int, squeezed: int) -> None:
        super().__init__()
        conv = partial(ConvNormAct, norm=None)
        self.squeeze = conv(in_channels, squeezed)
        self.expand1x1 = conv(squeezed, 4 * squeezed)
        self.expand3x3 = conv(squeezed, 4 * squeezed, 3)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, 8 * squeezed, H, W)``."""
        x = self.squeeze(x)
        return F.concat(self.expand1x1(x), self.expand3x3(x), dim=1)


class SqueezeNetHead(HybridBlock):
    """Dropout, a 1x1 convolution with ReLU, global average pooling."""

    def __init__(self, in_channels: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)
        self.output = Conv2D(classes, 1, in_channels=in_channels)
        self.act = relu()
        self.pool = GlobalAvgPool2D()
        self.flatten = Flatten()

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, C, H, W)`` to scores ``(N, classes)``, none below zero."""
        return self.flatten(self.pool(self.act(self.output(self.dropout(x)))))


@BACKBONES.family(VARIANTS)
class SqueezeNet(Backbone):
    """Maps ``(N, 3, H, W)`` images to the last feature of each resolution, finest first.

    Neither the first convolution nor the poolings pad, so features are a little smaller than the
    image over the stride. With ``padded`` they do, and the same weights serve detectors whose grid
    covers the image.
    """

    strides = (2, 4, 8, 16)

    def __init__(self, config: SqueezeNetConfig) -> None:
        super().__init__()
        self._dropout = config.dropout
        width, kernel_size = config.stem
        margin = kernel_size // 2 if config.padded else 0
        self.stem = ConvNormAct(3, width, kernel_size, strides=2, padding=margin, norm=None)
        self.channels: tuple[int, ...] = (width,)
        rows: list[list[HybridBlock]] = [[]]
        for row in config.squeezed:
            rows.append([MaxPool2D(3, 2, 1 if config.padded else 0, ceil_mode=not config.padded)])
            for squeezed in row:
                rows[-1].append(Fire(width, squeezed))
                width = 8 * squeezed
            self.channels += (width,)
        self.blocks = Stages(rows)

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature."""
        return SqueezeNetHead(self.channels[-1], classes, self._dropout)
