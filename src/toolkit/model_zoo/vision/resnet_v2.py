"""ResNet v2, plain and with squeeze-excitation: He et al., 2016, https://arxiv.org/abs/1603.05027."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, Conv2D, MaxPool2D

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.attention import SqueezeExcitation
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm, relu
from toolkit.nn.features import features_of
from toolkit.nn.head import PooledLinearHead
from toolkit.nn.residual import Place, PreActUnit, pre_activation_bottleneck, residual_stages


@dataclass(frozen=True)
class ResNetV2Config:
    """What tells one ResNet v2 from another."""

    depths: tuple[int, int, int, int]  # residual units in each stage
    expansion: int = 4  # output over inner channels of a unit; 1 is the basic unit
    squeeze_excitation: bool = False  # on what each unit's body gives


STEM = 64  # channels before the first stage

R18 = ResNetV2Config((2, 2, 2, 2), expansion=1)
R34 = ResNetV2Config((3, 4, 6, 3), expansion=1)
R50 = ResNetV2Config((3, 4, 6, 3))
R101 = ResNetV2Config((3, 4, 23, 3))
R152 = ResNetV2Config((3, 8, 36, 3))

VARIANTS = {
    "resnet18_v2": R18,
    "resnet34_v2": R34,
    "resnet50_v2": R50,
    "resnet101_v2": R101,
    "resnet152_v2": R152,
    "se_resnet18_v2": replace(R18, squeeze_excitation=True),
    "se_resnet34_v2": replace(R34, squeeze_excitation=True),
    "se_resnet50_v2": replace(R50, squeeze_excitation=True),
    "se_resnet101_v2": replace(R101, squeeze_excitation=True),
    "se_resnet152_v2": replace(R152, squeeze_excitation=True),
}


@dataclass(frozen=True)
class _Units:
    """Makes the residual units of one network."""

    config: ResNetV2Config
    channels: tuple[int, ...]  # of each stage
    norm: Norm
    last_norm: Norm  # the last in a unit

    def unit(self, place: Place) -> HybridBlock:
        """One unit, normalized and activated before each of its convolutions."""
        in_channels, channels = place.widths(STEM, self.channels)
        norm = self.norm(in_channels=in_channels)
        make_body = self._basic if self.config.expansion == 1 else self._bottleneck
        body = make_body(in_channels, channels, place.stride)
        attention = shortcut = None
        if self.config.squeeze_excitation:
            attention = SqueezeExcitation(channels, channels // 16)
        if in_channels != channels:
            shortcut = Conv2D(channels, 1, place.stride, use_bias=False, in_channels=in_channels)
        return PreActUnit(norm, body, shortcut, attention=attention)

    def _basic(self, in_channels: int, channels: int, stride: int) -> HybridBlock:
        return sequence(
            ConvNormAct(in_channels, channels, 3, strides=stride, norm=self.last_norm),
            ConvNormAct(channels, channels, 3, norm=None, act=None, use_bias=False),
        )

    def _bottleneck(self, in_channels: int, channels: int, stride: int) -> HybridBlock:
        make = partial(pre_activation_bottleneck, inner=channels // self.config.expansion)
        return make(in_channels, channels, stride=stride, norm=self.norm, last_norm=self.last_norm)


@BACKBONES.family(VARIANTS)
class ResNetV2(HybridBlock):
    """Maps ``(N, 3, H, W)`` images to the four stages' features, finest first.

    Only the last feature is normalized and activated; the others are sums of residuals.

    Args:
        config: A row of ``VARIANTS``.
        norm: Makes the normalizations, given ``in_channels``.
        zero_last_gamma: Initialize each unit's last scale to zero: units begin as identities.
    """

    strides = (4, 8, 16, 32)

    def __init__(
        self, config: ResNetV2Config, *, norm: Norm = BatchNorm, zero_last_gamma: bool = False
    ) -> None:
        super().__init__()
        last_norm = partial(norm, gamma_initializer="zeros") if zero_last_gamma else norm
        self.channels = tuple(64 * config.expansion << stage for stage in range(4))
        make = _Units(config, self.channels, norm, last_norm).unit
        self.stem = sequence(
            norm(in_channels=3, scale=False, center=False),
            ConvNormAct(3, STEM, 7, strides=2, norm=norm),
            MaxPool2D(3, 2, 1),
        )
        self.stages = residual_stages(make, config.depths, self.strides)
        self.last = sequence(norm(in_channels=self.channels[-1]), relu())

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels`` at strides 4, 8, 16 and 32."""
        x = self.stem(x)
        features = features_of(self.stages, x)
        features[-1] = self.last(features[-1])
        return features

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature."""
        return PooledLinearHead(self.channels[-1], classes)
