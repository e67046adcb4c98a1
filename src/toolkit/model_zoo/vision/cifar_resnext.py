"""ResNeXt for CIFAR's 32x32 images: Xie et al., 2016, https://arxiv.org/abs/1611.05431."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.conv import ConvNormAct, Norm
from toolkit.nn.features import features_of
from toolkit.nn.head import PooledLinearHead
from toolkit.nn.pool import AdaptiveAvgPool
from toolkit.nn.residual import Place, ResidualUnit, bottleneck, projection, residual_stages


@dataclass(frozen=True)
class CIFARResNeXtConfig:
    """What tells one CIFAR ResNeXt from another; the depth is ``9 * units + 2``."""

    groups: int  # of the 3x3 convolutions
    group_width: int  # channels of each group in the first stage
    units: int = 3  # residual units in each of the three stages


STEM = 64  # channels before the first stage

VARIANTS = {
    "cifar_resnext29_32x4d": CIFARResNeXtConfig(32, 4),
    "cifar_resnext29_16x64d": CIFARResNeXtConfig(16, 64),
}


@BACKBONES.family(VARIANTS)
class CIFARResNeXt(HybridBlock):
    """Maps ``(N, 3, H, W)`` images to the three stages' features, finest first."""

    strides = (1, 2, 4)
    channels = (256, 512, 1024)

    def __init__(self, config: CIFARResNeXtConfig, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        self.stem = ConvNormAct(3, STEM, 3, norm=norm)

        def unit(place: Place) -> HybridBlock:
            before, channels = place.widths(STEM, self.channels)
            inner = config.groups * config.group_width << place.stage
            make = partial(bottleneck, before, channels, stride=place.stride, norm=norm)
            body = make(widths=(inner, inner), groups=config.groups)
            if before == channels:
                return ResidualUnit(body)
            return ResidualUnit(body, projection(before, channels, place.stride, norm))

        self.stages = residual_stages(unit, (config.units,) * 3, self.strides)

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of 256, 512 and 1024 channels at strides 1, 2 and 4."""
        x = self.stem(x)
        return features_of(self.stages, x)

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature."""
        return PooledLinearHead(self.channels[-1], classes, pool=AdaptiveAvgPool())
