"""Wide ResNet-38 in its second form: Wu et al., 2016, https://arxiv.org/abs/1611.10080."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, Dropout, GlobalAvgPool2D, MaxPool2D

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.backbone import Backbone, Stages
from toolkit.nn.containers import sequence
from toolkit.nn.conv import Conv2D, ConvNormAct, Norm, relu
from toolkit.nn.head import PooledLinearHead
from toolkit.nn.residual import pre_activation_unit

STRIDES = (2, 4, 8, 16, 32, 32)  # of the features, where none is kept finer


@dataclass(frozen=True)
class WideResNetConfig:
    """What tells one wide ResNet from another."""

    depths: Sequence[int] = (3, 3, 6, 3, 1, 1)  # residual units in each stage
    # Channels of each convolution within the units of a stage: two of 3x3, or 1x1, 3x3 and 1x1.
    widths: Sequence[Sequence[int]] = (
        (128, 128),
        (256, 256),
        (512, 512),
        (512, 1024),
        (512, 1024, 2048),
        (1024, 2048, 4096),
    )
    dropouts: Sequence[float] = (0, 0, 0, 0, 0.3, 0.5)  # rate before a unit's last convolution
    output_stride: int = 32  # or 8: the last stages dilate their 3x3s instead of striding


VARIANTS = {"wide_resnet38": WideResNetConfig()}


def _body(
    in_channels: int,
    channels: int,
    *,
    widths: Sequence[int],
    stride: int,
    dilation: int,
    dropout: float,
    norm: Norm,
) -> HybridBlock:
    """Convolutions, normalized in between; the first strides."""
    sides = (3, 3) if len(widths) == 2 else (1, 3, 1)
    rates = [dilation if side > 1 else 1 for side in sides]
    blocks: list[HybridBlock] = []
    for place, (width, side, rate) in enumerate(zip(widths[:-1], sides, rates, strict=False)):
        strides = 1 if place else stride
        blocks.append(
            ConvNormAct(in_channels, width, side, strides=strides, dilation=rate, norm=norm)
        )
        in_channels = width
    pad = sides[-1] // 2 * rates[-1]
    last = partial(Conv2D, in_channels=in_channels, use_bias=False, dilation=rates[-1])
    drop = [Dropout(dropout)] if dropout else []
    return sequence(*blocks, *drop, last(channels, sides[-1], 1, pad))


@BACKBONES.family(VARIANTS)
class WideResNet(Backbone):
    """Maps ``(N, 3, H, W)`` images to the six stages' features, finest first.

    Raises:
        ValueError: there is no such output stride.
    """

    def __init__(self, config: WideResNetConfig, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        if config.output_stride not in (8, 16, 32):
            raise ValueError(f"output_stride must be 8, 16 or 32, got {config.output_stride!r}")
        self.strides = tuple(min(stride, config.output_stride) for stride in STRIDES)
        self.channels = tuple(widths[-1] for widths in config.widths)
        self._norm = norm
        self.stem = Conv2D(64, 3, 1, 1, use_bias=False, in_channels=3)
        rows: list[list[HybridBlock]] = []
        for stage in range(len(config.depths)):
            units = self._units(config, stage, self.channels[stage - 1] if stage else 64)
            # The first two stages stride by pooling, the others within their first unit.
            rows.append([*([MaxPool2D(3, 2, 1)] if stage < 2 else []), units])
        self.stages = Stages(rows)

    def _units(self, config: WideResNetConfig, stage: int, before: int) -> HybridBlock:
        widths = config.widths[stage]
        stride = self.strides[stage] // self.strides[stage - 1] if stage > 1 else 1
        dilation = STRIDES[stage] // self.strides[stage]
        body = partial(
            _body, widths=widths, dilation=dilation, dropout=config.dropouts[stage], norm=self._norm
        )
        units = []
        for index in range(config.depths[stage]):
            first = 1 if index else stride
            make = partial(body, stride=first)
            units.append(
                pre_activation_unit(before, widths[-1], make, stride=first, norm=self._norm)
            )
            before = widths[-1]
        return sequence(*units)

    def head(self, classes: int) -> HybridBlock:
        """The published classifier, which normalizes the last feature first."""
        width = self.channels[-1]
        pool = sequence(self._norm(in_channels=width), relu(), GlobalAvgPool2D())
        return PooledLinearHead(width, classes, pool=pool)
