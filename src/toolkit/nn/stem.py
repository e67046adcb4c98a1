"""Stems: what stands before the stages of a network."""

from __future__ import annotations

from collections.abc import Sequence

from mxnet.gluon import HybridBlock

from toolkit.nn.containers import sequence
from toolkit.nn.conv import Conv2D, ConvNormAct, Norm


def deep_stem(channels: Sequence[int], norm: Norm) -> HybridBlock:
    """Three 3x3 convolutions, the first with stride 2, in place of one of 7x7.

    He et al., 2018, https://arxiv.org/abs/1812.01187.

    Args:
        channels: Channels of each; the last is left without normalization and activation.
        norm: Makes the normalizations, given ``in_channels``.
    """
    first, second, third = channels
    return sequence(
        ConvNormAct(3, first, 3, strides=2, norm=norm),
        ConvNormAct(first, second, 3, norm=norm),
        Conv2D(third, 3, 1, 1, use_bias=False, in_channels=second),
    )
