"""VGG-16 with holes, the backbone of the first SSD: Liu et al., 2015, https://arxiv.org/abs/1512.02325."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import HybridSequential, MaxPool2D
from mxnet.initializer import Xavier

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct
from toolkit.nn.head import PooledLinearHead


@dataclass(frozen=True)
class VGGAtrousConfig:
    """What tells one from another."""

    depths: tuple[int, int, int, int, int]  # convolutions in each stage
    widths: tuple[int, int, int, int, int] = (64, 128, 256, 512, 512)
    last: int = 1024  # channels of the dilated layers in place of VGG's dense ones


VARIANTS = {"vgg16_atrous": VGGAtrousConfig((2, 2, 3, 3, 3))}

# Its published weights come from Caffe: they want pixels less their means, but not divided.
DEVIATIONS = np.array([0.229, 0.224, 0.225], np.float32) * 255


class ScaledL2Norm(HybridBlock):
    """Brings the channels of each cell to length one, then scales each channel.

    Liu et al., 2015, https://arxiv.org/abs/1506.04579.
    """

    def __init__(self, channels: int, initial: float) -> None:
        super().__init__()
        init = mx.init.Constant(initial)
        self.scale = self.params.get("scale", shape=(1, channels, 1, 1), init=init)

    def hybrid_forward(self, F: Any, x: Any, scale: Any) -> Any:
        """Maps ``(N, channels, H, W)`` to the same shape."""
        return F.broadcast_mul(F.L2Normalization(x, mode="channel", eps=1e-5), scale)


@BACKBONES.family(VARIANTS)
class VGGAtrous(HybridBlock):
    """Maps ``(N, 3, H, W)`` images, normalized as for ImageNet, to features at strides 8 and 16.

    Args:
        config: A row of ``VARIANTS``.
    """

    strides = (8, 16)

    def __init__(self, config: VGGAtrousConfig) -> None:
        super().__init__()
        self.channels = (config.widths[3], config.last)
        conv = partial(ConvNormAct, norm=None, weight_initializer=Xavier("gaussian", "out", 2))
        self.deviations = self.params.get_constant("deviations", DEVIATIONS.reshape(1, 3, 1, 1))
        self.stages = HybridSequential()
        before = 3
        for width, depth in zip(config.widths, config.depths, strict=True):
            rest = (conv(width, width, 3) for _ in range(depth - 1))
            self.stages.add(sequence(conv(before, width, 3), *rest))
            before = width
        self.pool = MaxPool2D(2, 2, ceil_mode=True)
        self.last_pool = MaxPool2D(3, 1, 1, ceil_mode=True)
        self.dilated = sequence(
            conv(before, config.last, 3, dilation=6), conv(config.last, config.last)
        )
        self.norm = ScaledL2Norm(config.widths[3], 20.0)

    def hybrid_forward(self, F: Any, x: Any, deviations: Any) -> list[Any]:
        """Gives the fourth stage's feature, normalized, and that of the dilated layers."""
        x = F.broadcast_mul(x, deviations)
        *first, last = self.stages
        for stage in first[:-1]:
            x = self.pool(stage(x))
        fine = first[-1](x)
        x = self.last_pool(last(self.pool(fine)))
        return [self.norm(fine), self.dilated(x)]

    def head(self, classes: int) -> HybridBlock:
        """A classifier on the last feature; none was published."""
        return PooledLinearHead(self.channels[-1], classes)
