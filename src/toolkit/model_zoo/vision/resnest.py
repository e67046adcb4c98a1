"""ResNeSt, split attention: Zhang et al., 2020, https://arxiv.org/abs/2004.08955."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import AvgPool2D, BatchNorm, MaxPool2D

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.attention import SplitAttention
from toolkit.nn.backbone import Backbone
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm, relu
from toolkit.nn.drop_block import DropBlock
from toolkit.nn.residual import (
    Place,
    ResidualUnit,
    halving_strides,
    pooled_shortcut,
    residual_stages,
    zero_gamma,
)
from toolkit.nn.stem import deep_stem


@dataclass(frozen=True)
class ResNeStConfig:
    """What tells one ResNeSt from another."""

    depths: tuple[int, int, int, int]  # residual units in each stage
    stem_width: int = 64  # of the first two convolutions; the third is twice as wide
    dropout: float = 0.0  # rate before the classifier
    # Rate of the DropBlocks in the last two stages. The published weights but those of resnest14
    # were trained with 0.1; inference is leaner without.
    dropblock: float = 0.0
    zero_last_gamma: bool = False  # each unit's last scale begins at zero: units are identities
    output_stride: int = 32  # or 16, 8: the last stages dilate their 3x3s instead of striding


VARIANTS = {
    "resnest14": ResNeStConfig((1, 1, 1, 1), stem_width=32),
    "resnest26": ResNeStConfig((2, 2, 2, 2), stem_width=32),
    "resnest50": ResNeStConfig((3, 4, 6, 3), stem_width=32),
    "resnest101": ResNeStConfig((3, 4, 23, 3)),
    "resnest200": ResNeStConfig((3, 24, 36, 3), dropout=0.2),
    "resnest269": ResNeStConfig((3, 30, 48, 8), dropout=0.2),
}

EXPANSION = 4  # output over inner channels of a unit


@dataclass(frozen=True)
class _Units:
    """Makes the residual units of one network."""

    config: ResNeStConfig
    channels: tuple[int, ...]  # of each stage
    norm: Norm

    def unit(self, place: Place) -> HybridBlock:
        """The unit at a place."""
        before, channels = place.widths(2 * self.config.stem_width, self.channels)
        last_norm = zero_gamma(self.norm, self.config.zero_last_gamma)
        inner = channels // EXPANSION
        pool = shortcut = None
        if place.stage and not place.index:  # where other networks stride or begin to dilate
            pool = AvgPool2D(3, place.stride, 1)
        rate = self.config.dropblock
        drop = partial(DropBlock, rate) if rate and place.stage > 1 else None
        act = (lambda: sequence(drop(), relu())) if drop else relu
        mix = partial(SplitAttention, inner, dilation=place.dilations[0], norm=self.norm)
        body = sequence(
            ConvNormAct(before, inner, norm=self.norm, act=act),
            mix(drop=drop and drop(), pool=pool),
            ConvNormAct(inner, channels, norm=last_norm, act=drop),
        )
        if not place.index:
            shortcut = pooled_shortcut(before, channels, place.stride, self.norm)
        return ResidualUnit(body, shortcut)


@BACKBONES.family(VARIANTS)
class ResNeSt(Backbone):
    """Maps ``(N, 3, H, W)`` images to the four stages' features, finest first.

    Raises:
        ValueError: there is no such output stride.
    """

    channels = (256, 512, 1024, 2048)

    def __init__(self, config: ResNeStConfig, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        self.strides = halving_strides(config.output_stride)
        self._dropout = config.dropout
        width = config.stem_width
        make = _Units(config, self.channels, norm).unit
        self.stem = deep_stem((width, width, 2 * width), norm)
        self.norm = norm(in_channels=2 * width)
        self.act = relu()
        self.pool = MaxPool2D(3, 2, 1)
        self.stages = residual_stages(make, config.depths, self.strides)
