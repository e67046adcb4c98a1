"""Wide ResNet for CIFAR's 32x32 images: Zagoruyko and Komodakis, 2016, https://arxiv.org/abs/1605.07146."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, Conv2D, Dropout

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm, relu
from toolkit.nn.features import features_of
from toolkit.nn.head import PooledLinearHead
from toolkit.nn.pool import AdaptiveAvgPool
from toolkit.nn.residual import Place, PreActUnit, residual_stages


@dataclass(frozen=True)
class CIFARWideResNetConfig:
    """What tells one CIFAR Wide ResNet from another; the depth is ``6 * units + 4``."""

    units: int  # residual units in each of the three stages
    width: int  # times the channels of the narrow network


STEM = 16  # channels before the first stage

VARIANTS = {
    "cifar_wideresnet16_10": CIFARWideResNetConfig(2, 10),
    "cifar_wideresnet28_10": CIFARWideResNetConfig(4, 10),
    "cifar_wideresnet40_8": CIFARWideResNetConfig(6, 8),
}


@dataclass(frozen=True)
class _Units:
    """Makes the residual units of one network."""

    channels: tuple[int, ...]  # of each stage
    norm: Norm
    dropout: float

    def unit(self, place: Place) -> HybridBlock:
        """One unit of two 3x3 convolutions, dropout between them."""
        in_channels, channels = place.widths(STEM, self.channels)
        stride = place.stride
        norm = self.norm(in_channels=in_channels)
        body = sequence(
            ConvNormAct(in_channels, channels, 3, strides=stride, norm=self.norm, act=self._act),
            Conv2D(channels, 3, padding=1, use_bias=False, in_channels=channels),
        )
        shortcut = None
        if in_channels != channels:
            shortcut = Conv2D(channels, 1, stride, use_bias=False, in_channels=in_channels)
        return PreActUnit(norm, body, shortcut)

    def _act(self) -> HybridBlock:
        return sequence(relu(), Dropout(self.dropout)) if self.dropout else relu()


@BACKBONES.family(VARIANTS)
class CIFARWideResNet(HybridBlock):
    """Maps ``(N, 3, H, W)`` images to the three stages' features, finest first.

    Only the last feature is normalized and activated; the others are sums of residuals.

    Args:
        config: A row of ``VARIANTS``.
        norm: Makes the normalizations, given ``in_channels``.
        dropout: Rate of the dropout between the two convolutions of each unit.
    """

    strides = (1, 2, 4)

    def __init__(
        self, config: CIFARWideResNetConfig, *, norm: Norm = BatchNorm, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.channels = tuple(STEM * config.width << stage for stage in range(3))
        self.stem = sequence(
            norm(in_channels=3, scale=False, center=False),
            ConvNormAct(3, STEM, 3, norm=norm, act=None),
        )
        make = _Units(self.channels, norm, dropout).unit
        self.stages = residual_stages(make, (config.units,) * 3, self.strides)
        self.last = sequence(norm(in_channels=self.channels[-1]), relu())

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels`` at strides 1, 2 and 4."""
        x = self.stem(x)
        features = features_of(self.stages, x)
        features[-1] = self.last(features[-1])
        return features

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature."""
        return PooledLinearHead(self.channels[-1], classes, pool=AdaptiveAvgPool())
