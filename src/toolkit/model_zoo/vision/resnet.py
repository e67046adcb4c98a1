"""ResNet v1 and its kin, v1b to v1s and SE: He et al., 2015, https://arxiv.org/abs/1512.03385.

The tweaks of v1c, v1d, v1e and v1s: He et al., 2018, https://arxiv.org/abs/1812.01187.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, Conv2D, MaxPool2D

from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.vision.pruned_channels import PRUNED, Pruned
from toolkit.nn.attention import SqueezeExcitation
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm, relu
from toolkit.nn.features import features_of
from toolkit.nn.head import PooledLinearHead
from toolkit.nn.norm import GroupNorm
from toolkit.nn.residual import (
    Place,
    ResidualUnit,
    pooled_shortcut,
    projection,
    residual_stages,
)
from toolkit.nn.stem import deep_stem


@dataclass(frozen=True)
class ResNetConfig:
    """What tells one ResNet from another."""

    depths: tuple[int, int, int, int]  # residual units in each stage
    expansion: int = 4  # output over inner channels of a unit; 1 is the basic unit
    stride_in_3x3: bool = True  # a bottleneck strides in its 3x3 convolution, else in its first 1x1
    pointwise_bias: bool = False  # on a bottleneck's 1x1s: a quirk of the published v1 weights
    squeeze_excitation: bool = False  # on what each unit's body gives
    stem_width: int = 0  # of a stem of three 3x3 convolutions; 0 for the one 7x7
    pooled_shortcut: bool = False  # shortcuts stride by average pooling, not by skipping pixels
    group_norm: bool = False  # GroupNorm in place of BatchNorm
    pruned: Pruned | None = None  # channels that pruning left, where it took some


R18 = ResNetConfig((2, 2, 2, 2), expansion=1)
R34 = ResNetConfig((3, 4, 6, 3), expansion=1)
R50 = ResNetConfig((3, 4, 6, 3))
R101 = ResNetConfig((3, 4, 23, 3))
R152 = ResNetConfig((3, 8, 36, 3))
V1: dict[str, Any] = {"stride_in_3x3": False, "pointwise_bias": True}
SE_V1: dict[str, Any] = {**V1, "squeeze_excitation": True}
V1D: dict[str, Any] = {"stem_width": 32, "pooled_shortcut": True}

VARIANTS = {
    "resnet18_v1": replace(R18, **V1),
    "resnet34_v1": replace(R34, **V1),
    "resnet50_v1": replace(R50, **V1),
    "resnet101_v1": replace(R101, **V1),
    "resnet152_v1": replace(R152, **V1),
    "se_resnet18_v1": replace(R18, **SE_V1),
    "se_resnet34_v1": replace(R34, **SE_V1),
    "se_resnet50_v1": replace(R50, **SE_V1),
    "se_resnet101_v1": replace(R101, **SE_V1),
    "se_resnet152_v1": replace(R152, **SE_V1),
    "resnet18_v1b": R18,
    "resnet34_v1b": R34,
    "resnet50_v1b": R50,
    "resnet101_v1b": R101,
    "resnet152_v1b": R152,
    "resnet50_v1b_gn": replace(R50, group_norm=True),
    "resnet101_v1b_gn": replace(R101, group_norm=True),
    "resnet50_v1c": replace(R50, stem_width=32),
    "resnet101_v1c": replace(R101, stem_width=32),
    "resnet152_v1c": replace(R152, stem_width=32),
    "resnet50_v1d": replace(R50, **V1D),
    "resnet101_v1d": replace(R101, **V1D),
    "resnet152_v1d": replace(R152, **V1D),
    "resnet50_v1e": replace(R50, stem_width=64, pooled_shortcut=True),
    "resnet101_v1e": replace(R101, stem_width=64, pooled_shortcut=True),
    "resnet152_v1e": replace(R152, stem_width=64, pooled_shortcut=True),
    "resnet50_v1s": replace(R50, stem_width=64),
    "resnet101_v1s": replace(R101, stem_width=64),
    "resnet152_v1s": replace(R152, stem_width=64),
    "resnet18_v1b_0.89": replace(R18, pruned=PRUNED["resnet18_v1b_0.89"]),
    "resnet50_v1d_0.86": replace(R50, **V1D, pruned=PRUNED["resnet50_v1d_0.86"]),
    "resnet50_v1d_0.48": replace(R50, **V1D, pruned=PRUNED["resnet50_v1d_0.48"]),
    "resnet50_v1d_0.37": replace(R50, **V1D, pruned=PRUNED["resnet50_v1d_0.37"]),
    "resnet50_v1d_0.11": replace(R50, **V1D, pruned=PRUNED["resnet50_v1d_0.11"]),
    "resnet101_v1d_0.76": replace(R101, **V1D, pruned=PRUNED["resnet101_v1d_0.76"]),
    "resnet101_v1d_0.73": replace(R101, **V1D, pruned=PRUNED["resnet101_v1d_0.73"]),
}


@dataclass(frozen=True)
class _Units:
    """Makes the residual units of one network."""

    config: ResNetConfig
    stem: int  # channels before the first stage
    channels: tuple[int, ...]  # of each stage
    norm: Norm
    last_norm: Norm  # at the end of a unit's body

    def unit(self, place: Place) -> HybridBlock:
        """The unit at a place."""
        config = self.config
        before, channels = place.widths(self.stem, self.channels)
        make_body = self._basic if config.expansion == 1 else self._bottleneck
        body = make_body((before, *self._inner(place), channels), place)
        attention = shortcut = None
        if config.squeeze_excitation:
            attention = SqueezeExcitation(channels, channels // 16)
        if place.index == 0 and (place.stage or config.expansion > 1):
            make = pooled_shortcut if config.pooled_shortcut else projection
            shortcut = make(before, channels, place.stride, self.norm)
        return ResidualUnit(body, shortcut, attention=attention)

    def _inner(self, place: Place) -> tuple[int, ...]:
        """Channels within the body of a unit."""
        if self.config.pruned:
            return self.config.pruned.inner[place.stage][place.index]
        return (64 << place.stage,) * (1 if self.config.expansion == 1 else 2)

    def _basic(self, channels: tuple[int, ...], place: Place) -> HybridBlock:
        before, inner, after = channels
        first, second = place.dilations
        conv = partial(ConvNormAct, kernel_size=3)
        return sequence(
            conv(before, inner, strides=place.stride, dilation=first, norm=self.norm),
            conv(inner, after, dilation=second, norm=self.last_norm, act=None),
        )

    def _bottleneck(self, channels: tuple[int, ...], place: Place) -> HybridBlock:
        before, inner, wide, after = channels
        first, second = (1, place.stride) if self.config.stride_in_3x3 else (place.stride, 1)
        conv = partial(ConvNormAct, norm=self.norm)
        pointwise = partial(ConvNormAct, use_bias=self.config.pointwise_bias)
        return sequence(
            pointwise(before, inner, strides=first, norm=self.norm),
            conv(inner, wide, 3, strides=second, dilation=place.dilations[0]),
            pointwise(wide, after, norm=self.last_norm, act=None),
        )


@BACKBONES.family(VARIANTS)
class ResNet(HybridBlock):
    """Maps ``(N, 3, H, W)`` images to the four stages' features, finest first.

    Args:
        config: A row of ``VARIANTS``.
        norm: Makes the normalizations, given ``in_channels``; default the variant's own.
        zero_last_gamma: Initialize each unit's last scale to zero: units begin as identities.
        dropout: Rate of the dropout before the classifier.
        output_stride: Stride of the coarsest feature, 32, 16 or 8; below 32 the last stages dilate
            their 3x3 convolutions instead of striding.

    Raises:
        ValueError: there is no such output stride.
    """

    def __init__(
        self,
        config: ResNetConfig,
        *,
        norm: Norm | None = None,
        zero_last_gamma: bool = False,
        dropout: float = 0.0,
        output_stride: int = 32,
    ) -> None:
        super().__init__()
        if output_stride not in (8, 16, 32):
            raise ValueError(f"output_stride must be 8, 16 or 32, got {output_stride!r}")
        pruned, width = config.pruned, config.stem_width
        stem: tuple[int, ...] = (width, width, 2 * width) if width else (64,)
        stem = pruned.stem if pruned else stem
        channels = tuple(64 * config.expansion << stage for stage in range(4))
        self.channels = pruned.channels if pruned else channels
        self.strides = tuple(min(4 << stage, output_stride) for stage in range(4))
        self._dropout = dropout
        norm = norm or (GroupNorm if config.group_norm else BatchNorm)
        last_norm = partial(norm, gamma_initializer="zeros") if zero_last_gamma else norm
        make = _Units(config, stem[-1], self.channels, norm, last_norm).unit
        plain = partial(Conv2D, use_bias=False, in_channels=3)
        self.stem = deep_stem(stem, norm) if len(stem) > 1 else plain(stem[0], 7, 2, 3)
        self.norm = norm(in_channels=stem[-1])
        self.act = relu()
        self.pool = MaxPool2D(3, 2, 1)
        self.stages = residual_stages(make, config.depths, self.strides)

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels`` at ``strides``."""
        x = self.pool(self.act(self.norm(self.stem(x))))
        return features_of(self.stages, x)

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature."""
        return PooledLinearHead(self.channels[-1], classes, dropout=self._dropout)
