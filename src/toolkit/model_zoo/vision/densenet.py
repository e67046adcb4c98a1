"""DenseNet-BC: Huang et al., 2016, https://arxiv.org/abs/1608.06993."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import AvgPool2D, BatchNorm, Dropout, HybridSequential, MaxPool2D

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.backbone import Backbone, Stages
from toolkit.nn.containers import sequence
from toolkit.nn.conv import Conv2D, Norm, relu


@dataclass(frozen=True)
class DenseNetConfig:
    """What tells one DenseNet from another."""

    depths: tuple[int, int, int, int]  # layers in each stage
    growth: int = 32  # channels that each layer adds
    stem_width: int = 64  # channels of the first convolution
    dropout: float = 0.0  # rate at the end of each layer


VARIANTS = {
    "densenet121": DenseNetConfig((6, 12, 24, 16)),
    "densenet161": DenseNetConfig((6, 12, 36, 24), growth=48, stem_width=96),
    "densenet169": DenseNetConfig((6, 12, 32, 32)),
    "densenet201": DenseNetConfig((6, 12, 48, 32)),
}

SQUEEZED = 4  # channels between a layer's two convolutions over those it adds


class DenseLayer(HybridBlock):
    """Adds ``growth`` channels, made from all that came before, behind those.

    Args:
        in_channels: Channels of the input.
        growth: Channels to add.
        norm: Makes the normalizations.
        dropout: Rate of the dropout of what is added.
    """

    def __init__(self, in_channels: int, growth: int, *, norm: Norm, dropout: float) -> None:
        super().__init__()
        inner = SQUEEZED * growth
        self.body = sequence(
            norm(in_channels=in_channels),
            relu(),
            Conv2D(inner, 1, use_bias=False, in_channels=in_channels),
            norm(in_channels=inner),
            relu(),
            Conv2D(growth, 3, padding=1, use_bias=False, in_channels=inner),
        )
        if dropout:
            self.body.add(Dropout(dropout))

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, in_channels + growth, H, W)``."""
        return F.concat(x, self.body(x), dim=1)


def _transition(in_channels: int, norm: Norm) -> HybridBlock:
    """Halves the channels and the size."""
    return sequence(
        norm(in_channels=in_channels),
        relu(),
        Conv2D(in_channels // 2, 1, use_bias=False, in_channels=in_channels),
        AvgPool2D(2, 2),
    )


@BACKBONES.family(VARIANTS)
class DenseNet(Backbone):
    """Maps ``(N, 3, H, W)`` images to the four stages' features, finest first.

    All features but the last are as the layers made them: neither normalized nor activated.
    """

    strides = (4, 8, 16, 32)

    def __init__(self, config: DenseNetConfig, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        width = config.stem_width
        self.stem = Conv2D(width, 7, 2, 3, use_bias=False, in_channels=3)
        self.norm = norm(in_channels=width)
        self.act = relu()
        self.pool = MaxPool2D(3, 2, 1)
        rows: list[list[HybridBlock]] = []  # stages and, before all but the first, transitions
        self.channels: tuple[int, ...] = ()
        for depth in config.depths:
            row: list[HybridBlock] = []
            if rows:
                row.append(_transition(width, norm))
                width //= 2
            stage = HybridSequential()
            for _ in range(depth):
                layer = partial(DenseLayer, norm=norm, dropout=config.dropout)
                stage.add(layer(width, config.growth))
                width += config.growth
            rows.append([*row, stage])
            self.channels += (width,)
        self.layers = Stages(rows)
        self.last = norm(in_channels=width)
        self.last_act = relu()
