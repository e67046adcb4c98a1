"""The backbone of Fast-SCNN: Poudel et al., 2019, https://arxiv.org/abs/1902.04502."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.backbone import Backbone, Stages
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm
from toolkit.nn.pyramid_pool import PyramidPool


@dataclass(frozen=True)
class FastSCNNConfig:
    """What tells one Fast-SCNN from another."""

    stem: Sequence[int] = (32, 48, 64)  # channels of its three convolutions
    channels: Sequence[int] = (64, 96, 128)  # of the units of each stage
    strides: Sequence[int] = (2, 2, 1)  # of the first unit of each
    depth: int = 3  # units in each stage
    expansion: int = 6  # channels within a unit over those before it
    pooled: int = 128  # channels of the last feature


VARIANTS = {"fast_scnn": FastSCNNConfig()}


class LinearUnit(HybridBlock):
    """Widens, convolves each channel by itself, and narrows without activation.

    Sandler et al., 2018, https://arxiv.org/abs/1801.04381; with ReLU. The input is added where it
    has the shape of the result.
    """

    def __init__(
        self, in_channels: int, channels: int, *, inner: int, stride: int, norm: Norm
    ) -> None:
        super().__init__()
        self._adds = stride == 1 and in_channels == channels
        self.body = sequence(
            ConvNormAct(in_channels, inner, norm=norm),
            ConvNormAct(inner, inner, 3, strides=stride, groups=inner, norm=norm),
            ConvNormAct(inner, channels, norm=norm, act=None),
        )

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, channels, H', W')``."""
        return x + self.body(x) if self._adds else self.body(x)


def _separable(in_channels: int, channels: int, norm: Norm) -> HybridBlock:
    """A convolution of each channel by itself that strides, then one across channels."""
    return sequence(
        ConvNormAct(in_channels, in_channels, 3, strides=2, groups=in_channels, norm=norm),
        ConvNormAct(in_channels, channels, norm=norm),
    )


@BACKBONES.family(VARIANTS)
class FastSCNN(Backbone):
    """Maps ``(N, 3, H, W)`` images to a fine feature with few channels and a coarse one."""

    strides = (8, 32)

    def __init__(self, config: FastSCNNConfig, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        first, second, third = config.stem
        self.channels = (third, config.pooled)
        # The first convolution has no padding: the published weights were trained so.
        stem = [
            ConvNormAct(3, first, 3, strides=2, padding=0, norm=norm),
            _separable(first, second, norm),
            _separable(second, third, norm),
        ]
        rows, before = [], third
        for channels, stride in zip(config.channels, config.strides, strict=True):
            rows.append(sequence())
            for index in range(config.depth):
                make = partial(LinearUnit, inner=before * config.expansion, norm=norm)
                rows[-1].add(make(before, channels, stride=1 if index else stride))
                before = channels
        pool = PyramidPool(before, norm=norm)
        last = ConvNormAct(pool.channels, config.pooled, norm=norm)
        self.stages = Stages([stem, [*rows, pool, last]])
