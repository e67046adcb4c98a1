"""Darknet-53, the backbone of YOLOv3: Redmon and Farhadi, 2018, https://arxiv.org/abs/1804.02767."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.backbone import Backbone, Stages
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm, leaky_relu


@dataclass(frozen=True)
class DarknetConfig:
    """What tells one Darknet from another."""

    depths: tuple[int, ...]  # residual units after each convolution that strides


VARIANTS = {"darknet53": DarknetConfig((1, 2, 8, 8, 4))}

STEM_WIDTH = 32  # channels at the image's own resolution; each stride doubles them


class DarknetUnit(HybridBlock):
    """``body(x) + x``: a 1x1 convolution to half the channels, a 3x3 back."""

    def __init__(self, channels: int, norm: Norm) -> None:
        super().__init__()
        conv = partial(ConvNormAct, norm=norm, act=leaky_relu)
        self.body = sequence(conv(channels, channels // 2), conv(channels // 2, channels, 3))

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, channels, H, W)`` to the same shape."""
        return self.body(x) + x


@BACKBONES.family(VARIANTS)
class Darknet(Backbone):
    """Maps ``(N, 3, H, W)`` images to the last feature of each resolution, finest first."""

    def __init__(self, config: DarknetConfig, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        conv = partial(ConvNormAct, kernel_size=3, norm=norm, act=leaky_relu)
        self.channels = tuple(STEM_WIDTH << level for level in range(len(config.depths) + 1))
        self.strides = tuple(1 << level for level in range(len(config.depths) + 1))
        rows = [[conv(3, STEM_WIDTH)]]
        for depth, channels in zip(config.depths, self.channels[1:], strict=True):
            rows.append([conv(channels // 2, channels, strides=2)])
            rows[-1] += [DarknetUnit(channels, norm) for _ in range(depth)]
        self.layers = Stages(rows)
