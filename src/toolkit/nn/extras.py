"""Coarser features behind those of a backbone, as single-shot detectors want them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import HybridSequential
from mxnet.initializer import Xavier

from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm
from toolkit.nn.features import features_of


@dataclass(frozen=True)
class Extra:
    """One further feature: a 1x1 convolution, then one that makes it coarser."""

    inner: int  # channels in between
    channels: int
    kernel_size: int = 3
    stride: int = 2
    padding: int = 1


class ExtraFeatures(HybridBlock):
    """A chain of ``extras``, each made of the one before.

    Args:
        in_channels: Channels of the feature that the first is made of.
        extras: Finest first.
        norm: Makes the normalizations, given ``in_channels``; None for none.
    """

    def __init__(self, in_channels: int, extras: Sequence[Extra], *, norm: Norm | None) -> None:
        super().__init__()
        self.channels = tuple(extra.channels for extra in extras)
        self.layers = HybridSequential()
        for extra in extras:
            self.layers.add(_extra(in_channels, extra, norm))
            in_channels = extra.channels

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels``, without ``x`` itself."""
        return features_of(self.layers, x)


def _extra(in_channels: int, extra: Extra, norm: Norm | None) -> HybridBlock:
    init = Xavier("gaussian", "out", 2)
    return sequence(
        ConvNormAct(in_channels, extra.inner, norm=norm, weight_initializer=init),
        ConvNormAct(
            extra.inner,
            extra.channels,
            extra.kernel_size,
            norm=norm,
            strides=extra.stride,
            padding=extra.padding,
            weight_initializer=init,
        ),
    )
