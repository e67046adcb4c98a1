"""VGG: Simonyan and Zisserman, 2014, https://arxiv.org/abs/1409.1556.

With holes, the backbone of the first SSD: Liu et al., 2015, https://arxiv.org/abs/1512.02325.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, MaxPool2D
from mxnet.initializer import Xavier

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.backbone import Backbone
from toolkit.nn.constant import constant
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm
from toolkit.nn.head import HiddenLayersHead
from toolkit.nn.norm import ScaledL2Norm


@dataclass(frozen=True)
class VGGConfig:
    """What tells one VGG from another."""

    depths: tuple[int, int, int, int, int]  # convolutions in each stage
    batch_norm: bool = False  # after each convolution
    dropout: float = 0.5  # rate after each hidden layer of the classifier


@dataclass(frozen=True)
class VGGAtrousConfig:
    """What tells one with holes from another."""

    depths: tuple[int, int, int, int, int]  # convolutions in each stage
    widths: tuple[int, int, int, int, int] = (64, 128, 256, 512, 512)
    last: int = 1024  # channels of the dilated layers in place of VGG's dense ones


DEPTHS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
VARIANTS = {
    f"vgg{layers}{suffix}": VGGConfig(depths, batch_norm=bool(suffix))
    for suffix in ("", "_bn")
    for layers, depths in DEPTHS.items()
}
ATROUS_VARIANTS = {"vgg16_atrous": VGGAtrousConfig(DEPTHS[16])}

# The atrous one's published weights come from Caffe: they want pixels less their means, but not
# divided.
DEVIATIONS = np.array([0.229, 0.224, 0.225], np.float32) * 255

# Without this initializer, what lacks normalization does not train.
_conv = partial(ConvNormAct, use_bias=True, weight_initializer=Xavier("gaussian", "out", 2))


def _stages(
    widths: Sequence[int], depths: Sequence[int], conv: Callable[..., HybridBlock]
) -> HybridBlock:
    stages = []
    for (before, width), depth in zip(pairwise((3, *widths)), depths, strict=True):
        stages.append(sequence(conv(before, width, 3)))
        stages[-1].add(*(conv(width, width, 3) for _ in range(depth - 1)))
    return sequence(*stages)


@BACKBONES.family(VARIANTS)
class VGG(Backbone):
    """Maps ``(N, 3, H, W)`` images to what each stage gives, and the last one's pooled.

    Args:
        config: A row of ``VARIANTS``.
        norm: Makes the normalizations, given ``in_channels``, of a variant that has them.
    """

    channels = (64, 128, 256, 512, 512, 512)
    strides = (1, 2, 4, 8, 16, 32)

    def __init__(self, config: VGGConfig, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        self._dropout = config.dropout
        conv = partial(_conv, norm=norm if config.batch_norm else None)
        self.stages = _stages(self.channels[:-1], config.depths, conv)
        self.pool = MaxPool2D(2, 2)

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels`` at strides 1, 2, 4, 8, 16 and 32."""
        features = []
        for stage in self.stages:
            features.append(stage(x))
            x = self.pool(features[-1])
        return [*features, x]

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature, which it pools to 7x7 cells."""
        return HiddenLayersHead(
            self.channels[-1], classes, cells=7, dropout=self._dropout, weight_initializer="normal"
        )


@BACKBONES.family(ATROUS_VARIANTS)
class VGGAtrous(Backbone):
    """Maps ``(N, 3, H, W)`` images, normalized as for ImageNet, to features at strides 8 and 16.

    No classifier of it was published.
    """

    strides = (8, 16)

    def __init__(self, config: VGGAtrousConfig) -> None:
        super().__init__()
        self.channels = (config.widths[3], config.last)
        conv = partial(_conv, norm=None)
        self.deviations = constant(self, "deviations", DEVIATIONS.reshape(1, 3, 1, 1))
        self.stages = _stages(config.widths, config.depths, conv)
        self.pool = MaxPool2D(2, 2, ceil_mode=True)
        self.last_pool = MaxPool2D(3, 1, 1, ceil_mode=True)
        self.dilated = sequence(
            conv(config.widths[-1], config.last, 3, dilation=6), conv(config.last, config.last)
        )
        self.norm = ScaledL2Norm(config.widths[3], 20.0)

    def hybrid_forward(self, F: Any, x: Any, deviations: Any = None) -> list[Any]:
        """Gives the fourth stage's feature, normalized, and that of the dilated layers."""
        x = F.broadcast_mul(x, deviations)
        *first, last = self.stages
        for stage in first[:-1]:
            x = self.pool(stage(x))
        fine = first[-1](x)
        x = self.last_pool(last(self.pool(fine)))
        return [self.norm(fine), self.dilated(x)]
