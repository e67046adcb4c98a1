"""ResNet v1 and v2 for CIFAR's 32x32 images: He et al., 2015, https://arxiv.org/abs/1512.03385."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, Conv2D

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm, relu
from toolkit.nn.features import features_of
from toolkit.nn.head import PooledLinearHead
from toolkit.nn.pool import AdaptiveAvgPool
from toolkit.nn.residual import (
    Place,
    PreActUnit,
    ResidualUnit,
    basic,
    projection,
    residual_stages,
)


@dataclass(frozen=True)
class CIFARResNetConfig:
    """What tells one CIFAR ResNet from another; the depth is ``6 * units + 2``."""

    units: int  # residual units in each of the three stages
    pre_activation: bool = False  # v2: normalize and activate before each convolution


VARIANTS = {
    "cifar_resnet20_v1": CIFARResNetConfig(3),
    "cifar_resnet56_v1": CIFARResNetConfig(9),
    "cifar_resnet110_v1": CIFARResNetConfig(18),
    "cifar_resnet20_v2": CIFARResNetConfig(3, pre_activation=True),
    "cifar_resnet56_v2": CIFARResNetConfig(9, pre_activation=True),
    "cifar_resnet110_v2": CIFARResNetConfig(18, pre_activation=True),
}


def _unit(in_channels: int, channels: int, stride: int, norm: Norm) -> HybridBlock:
    body = basic(in_channels, channels, stride=stride, norm=norm)
    if in_channels == channels:
        return ResidualUnit(body)
    return ResidualUnit(body, projection(in_channels, channels, stride, norm))


def _pre_activation_unit(in_channels: int, channels: int, stride: int, norm: Norm) -> HybridBlock:
    first = norm(in_channels=in_channels)
    body = sequence(
        ConvNormAct(in_channels, channels, 3, strides=stride, norm=norm),
        Conv2D(channels, 3, padding=1, use_bias=False, in_channels=channels),
    )
    if in_channels == channels:
        return PreActUnit(first, body, raw_shortcut=True)
    shortcut = Conv2D(channels, 1, stride, use_bias=False, in_channels=in_channels)
    return PreActUnit(first, body, shortcut, raw_shortcut=True)


@BACKBONES.family(VARIANTS)
class CIFARResNet(HybridBlock):
    """Maps ``(N, 3, H, W)`` images to the three stages' features, finest first."""

    strides = (1, 2, 4)
    channels = (16, 32, 64)

    def __init__(self, config: CIFARResNetConfig, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        make = _pre_activation_unit if config.pre_activation else _unit
        width = self.channels[0]
        if config.pre_activation:
            self.stem = sequence(
                norm(in_channels=3, scale=False, center=False),
                Conv2D(width, 3, padding=1, use_bias=False, in_channels=3),
            )
        else:
            self.stem = ConvNormAct(3, width, 3, norm=norm, act=None)

        def unit(place: Place) -> HybridBlock:
            return make(*place.widths(width, self.channels), place.stride, norm)

        self.stages = residual_stages(unit, (config.units,) * 3, self.strides)
        self.last = None
        if config.pre_activation:
            self.last = sequence(norm(in_channels=self.channels[-1]), relu())

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of 16, 32 and 64 channels at strides 1, 2 and 4."""
        x = self.stem(x)
        features = features_of(self.stages, x)
        if self.last is not None:
            features[-1] = self.last(features[-1])
        return features

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature."""
        return PooledLinearHead(self.channels[-1], classes, pool=AdaptiveAvgPool())
