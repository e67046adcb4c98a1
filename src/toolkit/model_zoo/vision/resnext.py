"""ResNeXt: Xie et al., 2016, https://arxiv.org/abs/1611.05431, plain and with squeeze-excitation.

The tweaks of SENet-154: Hu et al., 2017, https://arxiv.org/abs/1709.01507.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, MaxPool2D

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.attention import ConvSqueezeExcitation
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm
from toolkit.nn.features import features_of
from toolkit.nn.head import PooledLinearHead
from toolkit.nn.residual import Place, ResidualUnit, bottleneck, pooled_shortcut, residual_stages


@dataclass(frozen=True)
class ResNeXtConfig:
    """What tells one ResNeXt from another."""

    depths: tuple[int, int, int, int]  # residual units in each stage
    groups: int = 32  # of the 3x3 convolutions; each has four channels in the first stage
    squeeze_excitation: bool = False  # on what each unit's body gives
    deep_stem: bool = False  # three 3x3 convolutions in place of the one 7x7
    pooled_shortcut: bool = False  # shortcuts stride by average pooling, not by skipping pixels
    senet: bool = False  # half as wide first 1x1s, 3x3 shortcuts, no padding in the stem's pooling
    dropout: float = 0.0  # rate before the published classifier


R50_32X4D = ResNeXtConfig((3, 4, 6, 3))
R101_32X4D = ResNeXtConfig((3, 4, 23, 3))
R101_64X4D = replace(R101_32X4D, groups=64)
R101E_64X4D = replace(R101_64X4D, deep_stem=True, pooled_shortcut=True)
SENET_154 = ResNeXtConfig(
    (3, 8, 36, 3), groups=64, squeeze_excitation=True, deep_stem=True, senet=True, dropout=0.2
)

VARIANTS = {
    "resnext50_32x4d": R50_32X4D,
    "resnext101_32x4d": R101_32X4D,
    "resnext101_64x4d": R101_64X4D,
    "resnext101e_64x4d": R101E_64X4D,
    "se_resnext50_32x4d": replace(R50_32X4D, squeeze_excitation=True),
    "se_resnext101_32x4d": replace(R101_32X4D, squeeze_excitation=True),
    "se_resnext101_64x4d": replace(R101_64X4D, squeeze_excitation=True),
    "se_resnext101e_64x4d": replace(R101E_64X4D, squeeze_excitation=True),
    "senet_154": SENET_154,
    "senet_154e": replace(SENET_154, pooled_shortcut=True),
}


@dataclass(frozen=True)
class _Units:
    """Makes the residual units of one network."""

    config: ResNeXtConfig
    channels: tuple[int, ...]  # of each stage
    norm: Norm
    last_norm: Norm  # at the end of a unit's body

    def unit(self, place: Place) -> HybridBlock:
        """The unit at a place."""
        config = self.config
        in_channels, channels = place.widths(128 if config.deep_stem else 64, self.channels)
        width = 4 * config.groups << place.stage
        body = bottleneck(
            in_channels,
            channels,
            widths=(width // 2 if config.senet else width, width),
            stride=place.stride,
            groups=config.groups,
            norm=self.norm,
            last_norm=self.last_norm,
        )
        attention = shortcut = None
        if config.squeeze_excitation:
            attention = ConvSqueezeExcitation(channels, channels // 16)
        if in_channels != channels:
            shortcut = self._shortcut(in_channels, channels, place)
        return ResidualUnit(body, shortcut, attention=attention)

    def _shortcut(self, in_channels: int, channels: int, place: Place) -> HybridBlock:
        if place.stage and self.config.pooled_shortcut:
            return pooled_shortcut(in_channels, channels, place.stride, self.norm)
        kernel_size = 3 if place.stage and self.config.senet else 1
        conv = partial(ConvNormAct, in_channels, channels, kernel_size, strides=place.stride)
        return conv(norm=self.norm, act=None)


def _stem(deep: bool, norm: Norm) -> HybridBlock:
    if not deep:
        return sequence(ConvNormAct(3, 64, 7, strides=2, norm=norm))
    conv = partial(ConvNormAct, kernel_size=3, norm=norm)
    return sequence(conv(3, 64, strides=2), conv(64, 64), conv(64, 128))


@BACKBONES.family(VARIANTS)
class ResNeXt(HybridBlock):
    """Maps ``(N, 3, H, W)`` images to the four stages' features, finest first.

    Args:
        config: A row of ``VARIANTS``.
        norm: Makes the normalizations, given ``in_channels``.
        zero_last_gamma: Initialize each unit's last scale to zero: units begin as identities.
        dropout: Rate of the dropout before the classifier; default the variant's own.
    """

    channels = (256, 512, 1024, 2048)
    strides = (4, 8, 16, 32)

    def __init__(
        self,
        config: ResNeXtConfig,
        *,
        norm: Norm = BatchNorm,
        zero_last_gamma: bool = True,
        dropout: float | None = None,
    ) -> None:
        super().__init__()
        self._dropout = config.dropout if dropout is None else dropout
        last_norm = partial(norm, gamma_initializer="zeros") if zero_last_gamma else norm
        make = _Units(config, self.channels, norm, last_norm).unit
        self.stem = _stem(config.deep_stem, norm)
        self.pool = MaxPool2D(3, 2, ceil_mode=True) if config.senet else MaxPool2D(3, 2, 1)
        self.stages = residual_stages(make, config.depths, self.strides)

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels`` at strides 4, 8, 16 and 32."""
        x = self.pool(self.stem(x))
        return features_of(self.stages, x)

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature."""
        return PooledLinearHead(self.channels[-1], classes, dropout=self._dropout)
