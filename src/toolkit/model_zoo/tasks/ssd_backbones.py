"""Backbones of SSDs alone: ResNet v2 with features from within its residual units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm

from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.vision.resnet_v2 import VARIANTS as RESNETS
from toolkit.model_zoo.vision.resnet_v2 import ResNetV2
from toolkit.nn.backbone import Backbone
from toolkit.nn.containers import sequence
from toolkit.nn.conv import Norm
from toolkit.nn.residual import PreActUnit


@dataclass(frozen=True)
class Within:
    """Where features are taken: after so many convolutions of a unit of a stage, finest first."""

    resnet: str
    places: tuple[tuple[int, int, int], ...]  # stage, unit, convolutions of it before


VARIANTS = {
    "resnet101_v2_within": Within("resnet101_v2", ((2, 7, 1), (3, 0, 2))),
    "resnet152_v2_within": Within("resnet152_v2", ((1, 2, 1), (2, 11, 2), (3, 0, 2))),
}


class OpenUnit(HybridBlock):
    """A ``PreActUnit`` that gives a feature from within its body, too.

    Args:
        unit: Whose parts are taken.
        depth: Convolutions of its body before the feature.
        last: Nothing comes after: what would follow the feature is left out.
    """

    def __init__(self, unit: PreActUnit, depth: int, *, last: bool) -> None:
        super().__init__()
        convs = list(unit.body)
        self.norm, self.act = unit.norm, unit.act
        self.body = sequence(*convs[:depth])
        self.rest = None if last else sequence(*convs[depth:])
        self.shortcut = None if last else unit.shortcut

    def hybrid_forward(self, F: Any, x: Any) -> Sequence[Any]:
        """Maps ``(N, C, H, W)`` to the feature and what the unit gives; the last to the feature."""
        activated = self.act(self.norm(x))
        feature = self.body(activated)
        if self.rest is None:
            return [feature]
        residual = x if self.shortcut is None else self.shortcut(activated)
        return [feature, residual + self.rest(feature)]


@BACKBONES.family(VARIANTS)
class ResNetV2Within(Backbone):
    """Maps ``(N, 3, H, W)`` images to features from within bottleneck units, finest first.

    Each is what a convolution of the unit gives, normalized and activated. Layers after the last
    are left out.
    """

    def __init__(self, config: Within, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        whole, resnet = ResNetV2(RESNETS[config.resnet], norm=norm), RESNETS[config.resnet]
        self.strides = tuple(whole.strides[stage] for stage, _, _ in config.places)
        self.channels = tuple(resnet.width << stage for stage, _, _ in config.places)
        self.stem, self.units = whole.stem, sequence()
        depths = {place[:2]: place[2] for place in config.places}
        end = config.places[-1][:2]
        for stage, units in enumerate(whole.stages):
            for index, unit in enumerate(units):
                place = (stage, index)
                if place in depths:
                    unit = OpenUnit(unit, depths[place], last=place == end)
                if place <= end:
                    self.units.add(unit)

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels`` at ``strides``."""
        features, x = [], self.stem(x)
        for unit in self.units:
            if isinstance(unit, OpenUnit):
                feature, *rest = unit(x)
                features.append(feature)
                x = rest[0] if rest else None
            else:
                x = unit(x)
        return features
