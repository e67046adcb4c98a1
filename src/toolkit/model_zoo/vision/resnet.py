"""ResNet v1 and its kin: He et al., 2015, https://arxiv.org/abs/1512.03385.

v1c, v1d, v1e and v1s: He et al., 2018, https://arxiv.org/abs/1812.01187. ResNeXt: Xie et al., 2016,
https://arxiv.org/abs/1611.05431. Squeeze-excitation and SENet-154: Hu et al., 2017, 1709.01507.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, MaxPool2D

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.attention import ConvSqueezeExcitation, SqueezeExcitation
from toolkit.nn.backbone import Backbone
from toolkit.nn.containers import sequence
from toolkit.nn.conv import Conv2D, ConvNormAct, Norm, relu
from toolkit.nn.norm import GroupNorm
from toolkit.nn.pool import AdaptiveAvgPool
from toolkit.nn.residual import (
    DEPTHS,
    Place,
    ResidualUnit,
    basic,
    halving_strides,
    pooled_shortcut,
    residual_stages,
    zero_gamma,
)
from toolkit.nn.stem import deep_stem


@dataclass(frozen=True)
class Pruned:
    """The channels that pruning left."""

    stem: Sequence[int]  # of the convolutions of the stem
    channels: Sequence[int]  # of what each stage gives
    inner: Sequence[Sequence[Sequence[int]]]  # within each unit of each stage


@dataclass(frozen=True)
class ResNetConfig:
    """What tells one ResNet from another."""

    depths: tuple[int, ...]  # residual units in each stage
    expansion: int = 4  # output over inner channels of a unit; 1 is the basic unit
    width: int = 64  # channels of the stem, and within the units of the first stage
    groups: int = 1  # of the 3x3 convolutions; more than one make a ResNeXt
    group_width: int = 4  # channels of each of several groups in the first stage
    senet: bool = False  # half as wide first 1x1s, 3x3 shortcuts, no padding in the stem's pooling
    stride_in_3x3: bool = True  # a bottleneck strides in its 3x3 convolution, else in its first 1x1
    pointwise_bias: bool = False  # on a bottleneck's 1x1s: a quirk of the published v1 weights
    attention: Callable[[int, int], HybridBlock] | None = None  # on what each unit's body gives
    attention_first: bool = False  # or in the first unit of each stage alone
    stem_width: int = 0  # of a stem of three 3x3 convolutions; 0 for the one 7x7
    pooled_shortcut: bool = False  # shortcuts stride by average pooling, not by skipping pixels
    group_norm: bool = False  # GroupNorm in place of BatchNorm
    cifar: bool = False  # for images of 32x32: a stem of one 3x3 convolution that does not stride
    pruned: Pruned | None = None  # channels that pruning left, where it took some
    zero_last_gamma: bool = False  # each unit's last scale begins at zero: units are identities
    dropout: float = 0.0  # rate before the classifier
    output_stride: int = 32  # or 16, 8: the last stages dilate their 3x3s instead of striding
    strides: Sequence[int] = ()  # of the stages, in place of these; none of them dilates


def whole_excitation(channels: int, _: int) -> HybridBlock:
    """Squeeze and excitation that squeezes nothing, with biases."""
    return SqueezeExcitation(channels, channels, use_bias=True)


ALL, DEEP = (18, 34, 50, 101, 152), (50, 101, 152)
V1: dict[str, Any] = {"stride_in_3x3": False, "pointwise_bias": True}
X32: dict[str, Any] = {"groups": 32, "zero_last_gamma": True}
X64: dict[str, Any] = {"groups": 64, "zero_last_gamma": True}
X64E: dict[str, Any] = {**X64, "stem_width": 64, "pooled_shortcut": True}
SE: dict[str, Any] = {"attention": ConvSqueezeExcitation}
SENET: dict[str, Any] = {**X64, **SE, "stem_width": 64, "senet": True, "dropout": 0.2}
ROWS: tuple[tuple[str, tuple[int, ...], dict[str, Any]], ...] = (
    ("resnet{}_v1", ALL, V1),
    ("se_resnet{}_v1", ALL, {**V1, "attention": SqueezeExcitation}),
    ("resnet{}_v1b", ALL, {}),
    ("resnet{}_v1b_gn", (50, 101), {"group_norm": True}),
    ("resnet{}_v1c", DEEP, {"stem_width": 32}),
    ("resnet{}_v1d", DEEP, {"stem_width": 32, "pooled_shortcut": True}),
    ("resnet{}_v1e", DEEP, {"stem_width": 64, "pooled_shortcut": True}),
    ("resnet{}_v1s", DEEP, {"stem_width": 64}),
    ("alpha_resnet{}", (101,), {"attention": whole_excitation, "attention_first": True}),
    ("resnext{}_32x4d", (50, 101), X32),
    ("resnext{}_64x4d", (101,), X64),
    ("resnext{}e_64x4d", (101,), X64E),
    ("se_resnext{}_32x4d", (50, 101), {**X32, **SE}),
    ("se_resnext{}_64x4d", (101,), {**X64, **SE}),
    ("se_resnext{}e_64x4d", (101,), {**X64E, **SE}),
)
VARIANTS = {
    row.format(layers): ResNetConfig(DEPTHS[layers], 1 if layers < 50 else 4, **options)
    for row, depths, options in ROWS
    for layers in depths
}
VARIANTS |= {
    "senet_154": ResNetConfig(DEPTHS[152], **SENET),
    "senet_154e": ResNetConfig(DEPTHS[152], **SENET, pooled_shortcut=True),
    "cifar_resnet20_v1": ResNetConfig((3,) * 3, expansion=1, width=16, cifar=True),
    "cifar_resnet56_v1": ResNetConfig((9,) * 3, expansion=1, width=16, cifar=True),
    "cifar_resnet110_v1": ResNetConfig((18,) * 3, expansion=1, width=16, cifar=True),
    "cifar_resnext29_32x4d": ResNetConfig((3,) * 3, groups=32, cifar=True),
    "cifar_resnext29_16x64d": ResNetConfig((3,) * 3, groups=16, group_width=64, cifar=True),
}
# What the number in a pruned one's name measures, its publishers did not say.
for _name, _row in json.loads(Path(__file__).with_name("pruned_channels.json").read_text()).items():
    VARIANTS[_name] = replace(VARIANTS[_name.rpartition("_")[0]], pruned=Pruned(**_row))


@dataclass(frozen=True)
class _Units:
    """Makes the residual units of one network."""

    config: ResNetConfig
    stem: int  # channels before the first stage
    channels: tuple[int, ...]  # of each stage
    norm: Norm

    def unit(self, place: Place) -> HybridBlock:
        """The unit at a place."""
        config = self.config
        before, channels = place.widths(self.stem, self.channels)
        make_body = self._basic if config.expansion == 1 else self._bottleneck
        body = make_body((before, *self._inner(place), channels), place)
        shortcut = None
        attention = None
        if config.attention and not (config.attention_first and place.index):
            attention = config.attention(channels, channels // 16)
        if place.index == 0 and (place.stage or config.expansion > 1):
            shortcut = self._shortcut(before, channels, place)
        return ResidualUnit(body, shortcut, attention=attention)

    def _inner(self, place: Place) -> Sequence[int]:
        """Channels within the body of a unit."""
        config = self.config
        if config.pruned:
            return config.pruned.inner[place.stage][place.index]
        width = config.width if config.groups == 1 else config.groups * config.group_width
        width <<= place.stage
        return (width,) if config.expansion == 1 else (width // 2 if config.senet else width, width)

    def _basic(self, channels: Sequence[int], place: Place) -> HybridBlock:
        before, inner, after = channels
        last_norm = zero_gamma(self.norm, self.config.zero_last_gamma)
        make = partial(basic, stride=place.stride, dilations=place.dilations)
        return make(before, after, inner=inner, norm=self.norm, last_norm=last_norm)

    def _bottleneck(self, channels: Sequence[int], place: Place) -> HybridBlock:
        before, inner, wide, after = channels
        first, second = (1, place.stride) if self.config.stride_in_3x3 else (place.stride, 1)
        conv = partial(ConvNormAct, groups=self.config.groups, norm=self.norm)
        pointwise = partial(ConvNormAct, use_bias=self.config.pointwise_bias)
        last_norm = zero_gamma(self.norm, self.config.zero_last_gamma)
        return sequence(
            pointwise(before, inner, strides=first, norm=self.norm),
            conv(inner, wide, 3, strides=second, dilation=place.dilations[0]),
            pointwise(wide, after, norm=last_norm, act=None),
        )

    def _shortcut(self, before: int, channels: int, place: Place) -> HybridBlock:
        # ResNeXts pool only where there is something to stride over.
        if self.config.pooled_shortcut and (place.stage or self.config.groups == 1):
            return pooled_shortcut(before, channels, place.stride, self.norm)
        kernel_size = 3 if place.stage and self.config.senet else 1
        conv = partial(ConvNormAct, strides=place.stride, norm=self.norm, act=None)
        return conv(before, channels, kernel_size)


@BACKBONES.family(VARIANTS)
class ResNet(Backbone):
    """Maps ``(N, 3, H, W)`` images to the stages' features, finest first.

    Raises:
        ValueError: there is no such output stride.
    """

    def __init__(self, config: ResNetConfig, *, norm: Norm | None = None) -> None:
        super().__init__()
        self.strides = (1, 2, 4) if config.cifar else halving_strides(config.output_stride)
        self.strides = tuple(config.strides) or self.strides
        self.channels = tuple(
            config.width * config.expansion << stage for stage in range(len(config.depths))
        )
        self._dropout = config.dropout
        width = config.stem_width
        stem: Sequence[int] = (width, width, 2 * width) if width else (config.width,)
        if config.pruned:
            stem, self.channels = config.pruned.stem, tuple(config.pruned.channels)
        norm = norm or (GroupNorm if config.group_norm else BatchNorm)
        if config.cifar:
            act = None if config.expansion == 1 else relu
            self.stem = ConvNormAct(3, stem[0], 3, norm=norm, act=act)
            self._pool = AdaptiveAvgPool
        else:
            self._set_stem(stem, norm, whole=config.groups > 1)
            self.pool = MaxPool2D(3, 2, ceil_mode=True) if config.senet else MaxPool2D(3, 2, 1)
        make = _Units(config, stem[-1], self.channels, norm).unit
        self.stages = residual_stages(make, config.depths, self.strides, dilate=not config.strides)

    def _set_stem(self, channels: Sequence[int], norm: Norm, *, whole: bool) -> None:
        """The published weights name the last normalization of a ResNeXt's stem within it."""
        if whole:
            first, *rest = channels
            conv = partial(ConvNormAct, norm=norm)
            self.stem = sequence(conv(3, first, 3 if rest else 7, strides=2))
            self.stem.add(*(conv(a, b, 3) for a, b in pairwise(channels)))
            return
        plain = partial(Conv2D, use_bias=False, in_channels=3)
        deep = len(channels) > 1
        self.stem = deep_stem(channels, norm) if deep else plain(channels[0], 7, 2, 3)
        self.norm = norm(in_channels=channels[-1])
        self.act = relu()
