"""Blocks that make features finer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock
from mxnet.gluon.contrib.nn import PixelShuffle2D
from mxnet.gluon.nn import BatchNorm, Conv2D, Conv2DTranspose

from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm, relu
from toolkit.nn.deformable import DeformableConv


class Interpolation(mx.init.Initializer):
    """Weights of a transposed convolution that enlarges each channel bilinearly."""

    def _init_weight(self, _: str, array: Any) -> None:
        first, second, height, width = array.shape
        kernel = np.outer(_triangle(height), _triangle(width))
        values = np.zeros(array.shape, np.float32)
        if second == 1:  # each channel is a group
            values[:, 0] = kernel
        else:
            own = np.arange(min(first, second))
            values[own, own] = kernel
        array[:] = values


def _triangle(side: int) -> np.ndarray:
    """Weights of the pixels around one, highest in the middle; those a stride apart sum to 1."""
    half = (side + 1) // 2
    center = half - (1 if side % 2 else 0.5)
    return 1 - np.abs(np.arange(side) - center) / half


def enlarge(channels: int, factor: int, *, groups: int = 1) -> HybridBlock:
    """A transposed convolution to ``factor`` times the size that begins as interpolation."""
    return Conv2DTranspose(
        channels,
        2 * factor,
        strides=factor,
        padding=factor // 2,
        groups=groups,
        use_bias=False,
        in_channels=channels,
        weight_initializer=Interpolation(),
    )


def conv3x3(in_channels: int, channels: int, *, norm: Norm, deformable: bool) -> HybridBlock:
    """A 3x3 convolution with a bias, deformable or not, its normalization and activation."""
    layer = DeformableConv if deformable else Conv2D
    return ConvNormAct(in_channels, channels, 3, norm=norm, layer=layer, use_bias=True)


class DeconvUpsample(HybridBlock):
    """A 3x3 convolution, then a transposed one to twice the size, both normalized.

    Xiao et al., 2018, https://arxiv.org/abs/1804.06208, with the 3x3 of CenterNet.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the output.
        norm: Makes the normalizations, given ``in_channels``.
        deformable: Makes the 3x3 deformable.
    """

    def __init__(
        self, in_channels: int, channels: int, *, norm: Norm = BatchNorm, deformable: bool = False
    ) -> None:
        super().__init__()
        self.conv = conv3x3(in_channels, channels, norm=norm, deformable=deformable)
        self.up = enlarge(channels, 2)
        self.norm = norm(in_channels=channels)
        self.act = relu()

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, channels, 2 H, 2 W)``."""
        return self.act(self.norm(self.up(self.conv(x))))


def shuffle_upsample(in_channels: int, channels: int, *, norm: Norm = BatchNorm) -> HybridBlock:
    """A 3x3 convolution to 4 times ``channels``, of which each four become a pixel's quarters.

    Shi et al., 2016, https://arxiv.org/abs/1609.05158; as dense upsampling: Wang et al., 2017,
    https://arxiv.org/abs/1702.08502.
    """
    return sequence(ConvNormAct(in_channels, 4 * channels, 3, norm=norm), PixelShuffle2D(2))


class IterativeAggregation(HybridBlock):
    """Brings features, one after the other, to the finest one's size, and adds each to the last.

    Yu et al., 2017, https://arxiv.org/abs/1707.06484, section 3.1.

    Args:
        in_channels: Channels of the features, finest first.
        channels: Channels of the output; those of the finest feature.
        factors: How much coarser than the finest each of the others is.
        norm: Makes the normalizations, given ``in_channels``.
        deformable: Makes the 3x3 convolutions deformable.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: int,
        factors: Sequence[int],
        *,
        norm: Norm = BatchNorm,
        deformable: bool = False,
    ) -> None:
        super().__init__()
        conv = partial(conv3x3, norm=norm, deformable=deformable)
        rest = in_channels[1:]
        self.projections = sequence(*(conv(before, channels) for before in rest))
        self.ups = sequence(*(enlarge(channels, factor, groups=channels) for factor in factors))
        self.nodes = sequence(*(conv(channels, channels) for _ in rest))

    def hybrid_forward(self, F: Any, *features: Any) -> list[Any]:
        """Gives the finest feature as it is, and the sum so far after each of the others."""
        results = [features[0]]
        blocks = zip(self.projections, self.ups, self.nodes, features[1:], strict=True)
        for project, up, node, feature in blocks:
            results.append(node(up(project(feature)) + results[-1]))
        return results
