"""ResNeSt, split attention: Zhang et al., 2020, https://arxiv.org/abs/2004.08955."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import AvgPool2D, BatchNorm, Conv2D, MaxPool2D

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm, relu
from toolkit.nn.features import features_of
from toolkit.nn.head import PooledLinearHead
from toolkit.nn.pool import AdaptiveAvgPool
from toolkit.nn.residual import Place, ResidualUnit, pooled_shortcut, residual_stages
from toolkit.nn.stem import deep_stem


@dataclass(frozen=True)
class ResNeStConfig:
    """What tells one ResNeSt from another."""

    depths: tuple[int, int, int, int]  # residual units in each stage
    stem_width: int = 64  # of the first two convolutions; the third is twice as wide
    dropout: float = 0.0  # rate before the published classifier


VARIANTS = {
    "resnest14": ResNeStConfig((1, 1, 1, 1), stem_width=32),
    "resnest26": ResNeStConfig((2, 2, 2, 2), stem_width=32),
    "resnest50": ResNeStConfig((3, 4, 6, 3), stem_width=32),
    "resnest101": ResNeStConfig((3, 4, 23, 3)),
    "resnest200": ResNeStConfig((3, 24, 36, 3), dropout=0.2),
    "resnest269": ResNeStConfig((3, 30, 48, 8), dropout=0.2),
}

SPLITS = 2
SQUARE = 3  # side of what is dropped at once
EXPANSION = 4  # output over inner channels of a unit


class DropBlock(HybridBlock):
    """Drops squares of 3 by 3 cells in training; the identity in inference.

    Ghiasi et al., 2018, https://arxiv.org/abs/1810.12890. The squares are the same for all images
    of a batch, and what is left is scaled up by what was dropped.

    Args:
        rate: Expected share of the cells that are dropped, where squares do not overlap.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self._rate = rate / SQUARE**2  # of the squares' middles, which lie anywhere
        self._options = {"kernel": (SQUARE,) * 2, "pad": (SQUARE // 2,) * 2, "pool_type": "sum"}

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, C, H, W)`` to the same shape."""
        # Dropout alone knows whether this is training, in a graph too: what it leaves is above 0.
        left = F.Dropout(F.ones_like(F.slice_axis(x, axis=0, begin=0, end=1)), p=self._rate)
        kept = F.Pooling(left == 0, **self._options) == 0
        scale = 1 / F.maximum(F.mean(kept, keepdims=True), 1e-3)
        return F.broadcast_mul(x, F.broadcast_mul(kept, scale))


class SplitAttention(HybridBlock):
    """Two 3x3 convolutions of half the input each, mixed channel by channel.

    The weights of the mixture are made from the means of all channels and sum to one.

    Args:
        channels: Channels of the input and of the output.
        dilation: Dilation of the convolutions.
        drop: Applied to the result; None for none.
        pool: Applied after that; None for none.
        norm: Makes the normalizations.
    """

    def __init__(
        self,
        channels: int,
        *,
        dilation: int = 1,
        drop: HybridBlock | None = None,
        pool: HybridBlock | None = None,
        norm: Norm,
    ) -> None:
        super().__init__()
        squeezed = max(channels // 2, 32)
        conv = partial(ConvNormAct, norm=norm)
        self.conv = conv(channels, SPLITS * channels, 3, dilation=dilation, groups=SPLITS)
        self.means = AdaptiveAvgPool()
        self.squeeze = conv(channels, squeezed, use_bias=True)
        self.excite = Conv2D(SPLITS * channels, 1, in_channels=squeezed)
        self.drop = drop
        self.pool = pool

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, channels, H, W)`` to the same shape, or what the pooling makes of it."""
        first, second = F.split(self.conv(x), num_outputs=SPLITS, axis=1)
        scores = self.excite(self.squeeze(self.means(first + second)))
        shares = F.softmax(F.reshape(scores, (0, SPLITS, -1)), axis=1)
        of_first, of_second = F.split(F.reshape(shares, (0, -1, 1, 1)), num_outputs=SPLITS, axis=1)
        x = F.broadcast_mul(first, of_first) + F.broadcast_mul(second, of_second)
        if self.drop is not None:
            x = self.drop(x)
        return x if self.pool is None else self.pool(x)


@dataclass(frozen=True)
class _Units:
    """Makes the residual units of one network."""

    stem: int  # channels before the first stage
    channels: tuple[int, ...]  # of each stage
    norm: Norm
    last_norm: Norm  # at the end of a unit's body
    dropblock: float  # rate, in the last two stages

    def unit(self, place: Place) -> HybridBlock:
        """The unit at a place."""
        before, channels = place.widths(self.stem, self.channels)
        inner = channels // EXPANSION
        pool = shortcut = None
        if place.stage and not place.index:  # where other networks stride or begin to dilate
            pool = AvgPool2D(3, place.stride, 1)
        drop = partial(DropBlock, self.dropblock) if self.dropblock and place.stage > 1 else None
        act = (lambda: sequence(drop(), relu())) if drop else relu
        mix = partial(SplitAttention, inner, dilation=place.dilations[0], norm=self.norm)
        body = sequence(
            ConvNormAct(before, inner, norm=self.norm, act=act),
            mix(drop=drop and drop(), pool=pool),
            ConvNormAct(inner, channels, norm=self.last_norm, act=drop),
        )
        if not place.index:
            shortcut = pooled_shortcut(before, channels, place.stride, self.norm)
        return ResidualUnit(body, shortcut)


@BACKBONES.family(VARIANTS)
class ResNeSt(HybridBlock):
    """Maps ``(N, 3, H, W)`` images to the four stages' features, finest first.

    Args:
        config: A row of ``VARIANTS``.
        norm: Makes the normalizations, given ``in_channels``.
        zero_last_gamma: Initialize each unit's last scale to zero: units begin as identities.
        dropout: Rate of the dropout before the classifier; default the variant's own.
        dropblock: Rate of the DropBlocks in the units of the last two stages. The published weights
            but those of resnest14 were trained with 0.1; inference is leaner without.
        output_stride: Stride of the coarsest feature, 32, 16 or 8; below 32 the last stages dilate
            their 3x3 convolutions instead of striding.

    Raises:
        ValueError: there is no such output stride.
    """

    channels = (256, 512, 1024, 2048)

    def __init__(
        self,
        config: ResNeStConfig,
        *,
        norm: Norm = BatchNorm,
        zero_last_gamma: bool = False,
        dropout: float | None = None,
        dropblock: float = 0.0,
        output_stride: int = 32,
    ) -> None:
        super().__init__()
        if output_stride not in (8, 16, 32):
            raise ValueError(f"output_stride must be 8, 16 or 32, got {output_stride!r}")
        self.strides = tuple(min(4 << stage, output_stride) for stage in range(4))
        self._dropout = config.dropout if dropout is None else dropout
        last_norm = partial(norm, gamma_initializer="zeros") if zero_last_gamma else norm
        width = config.stem_width
        make = _Units(2 * width, self.channels, norm, last_norm, dropblock).unit
        self.stem = deep_stem((width, width, 2 * width), norm)
        self.norm = norm(in_channels=2 * width)
        self.act = relu()
        self.pool = MaxPool2D(3, 2, 1)
        self.stages = residual_stages(make, config.depths, self.strides)

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels`` at ``strides``."""
        x = self.pool(self.act(self.norm(self.stem(x))))
        return features_of(self.stages, x)

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature."""
        return PooledLinearHead(self.channels[-1], classes, dropout=self._dropout)
