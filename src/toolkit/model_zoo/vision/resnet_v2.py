"""ResNet v2, plain and with squeeze-excitation: He et al., 2016, https://arxiv.org/abs/1603.05027.

For CIFAR's 32x32 images also Wide ResNet: Zagoruyko and Komodakis, 2016, 1605.07146.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, Dropout, MaxPool2D

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.attention import SqueezeExcitation
from toolkit.nn.backbone import Backbone
from toolkit.nn.containers import sequence
from toolkit.nn.conv import Conv2D, ConvNormAct, Norm, relu
from toolkit.nn.pool import AdaptiveAvgPool
from toolkit.nn.residual import (
    DEPTHS,
    Place,
    pre_activation_bottleneck,
    pre_activation_unit,
    residual_stages,
    zero_gamma,
)


@dataclass(frozen=True)
class ResNetV2Config:
    """What tells one ResNet v2 from another."""

    depths: tuple[int, ...]  # residual units in each stage
    expansion: int = 4  # output over inner channels of a unit; 1 is the basic unit
    width: int = 64  # channels within the units of the first stage
    attention: Callable[[int, int], HybridBlock] | None = None  # on what each unit's body gives
    cifar: bool = False  # for images of 32x32: a narrow stem that does not stride
    raw_shortcut: bool = False  # a shortcut sees the unit's input, which no stem normalizes
    zero_last_gamma: bool = False  # each unit's last scale begins at zero: units are identities
    dropout: float = 0.0  # rate before the last convolution of each unit


VARIANTS = {
    f"{prefix}resnet{layers}_v2": ResNetV2Config(
        depths, 1 if layers < 50 else 4, attention=SqueezeExcitation if prefix else None
    )
    for prefix in ("", "se_")
    for layers, depths in DEPTHS.items()
}
CIFAR = partial(ResNetV2Config, expansion=1, cifar=True)
VARIANTS |= {
    "cifar_resnet20_v2": CIFAR((3,) * 3, width=16, raw_shortcut=True),
    "cifar_resnet56_v2": CIFAR((9,) * 3, width=16, raw_shortcut=True),
    "cifar_resnet110_v2": CIFAR((18,) * 3, width=16, raw_shortcut=True),
    "cifar_wideresnet16_10": CIFAR((2,) * 3, width=160),
    "cifar_wideresnet28_10": CIFAR((4,) * 3, width=160),
    "cifar_wideresnet40_8": CIFAR((6,) * 3, width=128),
}


@dataclass(frozen=True)
class _Units:
    """Makes the residual units of one network."""

    config: ResNetV2Config
    stem: int  # channels before the first stage
    channels: tuple[int, ...]  # of each stage
    norm: Norm

    def unit(self, place: Place) -> HybridBlock:
        """One unit, normalized and activated before each of its convolutions."""
        config = self.config
        in_channels, channels = place.widths(self.stem, self.channels)
        make_body = self._basic if config.expansion == 1 else self._bottleneck
        return pre_activation_unit(
            in_channels,
            channels,
            partial(make_body, stride=place.stride),
            stride=place.stride,
            norm=self.norm,
            attention=config.attention and config.attention(channels, channels // 16),
            raw_shortcut=config.raw_shortcut,
        )

    def _basic(self, in_channels: int, channels: int, stride: int) -> HybridBlock:
        norm = zero_gamma(self.norm, self.config.zero_last_gamma)
        make = partial(ConvNormAct, kernel_size=3, strides=stride, norm=norm)
        body = sequence(make(in_channels, channels, act=self._last_act))
        if self.config.cifar:
            body.add(Conv2D(channels, 3, padding=1, use_bias=False, in_channels=channels))
        else:
            body.add(ConvNormAct(channels, channels, 3, norm=None, act=None, use_bias=False))
        return body

    def _bottleneck(self, in_channels: int, channels: int, stride: int) -> HybridBlock:
        last_norm = zero_gamma(self.norm, self.config.zero_last_gamma)
        make = partial(pre_activation_bottleneck, inner=channels // self.config.expansion)
        make = partial(make, norm=self.norm, last_norm=last_norm, last_act=self._last_act)
        return make(in_channels, channels, stride=stride)

    def _last_act(self) -> HybridBlock:
        rate = self.config.dropout
        return sequence(relu(), Dropout(rate)) if rate else relu()


@BACKBONES.family(VARIANTS)
class ResNetV2(Backbone):
    """Maps ``(N, 3, H, W)`` images to the stages' features, finest first.

    Only the last feature is normalized and activated; the others are sums of residuals.
    """

    def __init__(self, config: ResNetV2Config, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        self.strides = (1, 2, 4) if config.cifar else (4, 8, 16, 32)
        self.channels = tuple(
            config.width * config.expansion << stage for stage in range(len(self.strides))
        )
        self.stem = sequence(norm(in_channels=3, scale=False, center=False))
        stem = 16 if config.cifar else 64
        if config.raw_shortcut:
            self.stem.add(Conv2D(stem, 3, padding=1, use_bias=False, in_channels=3))
        elif config.cifar:
            self.stem.add(ConvNormAct(3, stem, 3, norm=norm, act=None))
        else:
            self.stem.add(ConvNormAct(3, stem, 7, strides=2, norm=norm), MaxPool2D(3, 2, 1))
        if config.cifar:
            self._pool = AdaptiveAvgPool
        make = _Units(config, stem, self.channels, norm).unit
        self.stages = residual_stages(make, config.depths, self.strides)
        self.last = sequence(norm(in_channels=self.channels[-1]), relu())
