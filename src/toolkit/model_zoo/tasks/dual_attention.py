"""Dual attention, over places and over channels: Fu et al., 2018, https://arxiv.org/abs/1809.02983."""

from __future__ import annotations

from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm

from toolkit.nn.conv import Conv2D, ConvNormAct, Norm


class PlaceAttention(HybridBlock):
    """Adds to each cell what cells like it hold, wherever they are.

    How much of it is learned, and begins at nothing.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        conv = partial(Conv2D, kernel_size=1, in_channels=channels)
        self.query, self.key = conv(channels // 8), conv(channels // 8)
        self.value = conv(channels)
        self.gain = self.params.get("gain", shape=(1,), init="zeros")

    def hybrid_forward(self, F: Any, x: Any, gain: Any) -> Any:
        """Maps ``(N, channels, H, W)`` to the same shape."""
        query, key, value = (_rows(F, conv(x)) for conv in (self.query, self.key, self.value))
        weights = F.softmax(F.batch_dot(query, key, transpose_a=True))
        found = F.reshape_like(F.batch_dot(value, weights, transpose_b=True), x)
        return F.broadcast_mul(found, gain) + x


class ChannelAttention(HybridBlock):
    """Adds to each channel what the channels unlike it hold.

    How much of it is learned, and begins at nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gain = self.params.get("gain", shape=(1,), init="zeros")

    def hybrid_forward(self, F: Any, x: Any, gain: Any) -> Any:
        """Maps ``(N, C, H, W)`` to the same shape."""
        rows = _rows(F, x)
        weights = F.softmax(-F.batch_dot(rows, rows, transpose_b=True))
        found = F.reshape_like(F.batch_dot(weights, rows), x)
        return F.broadcast_mul(found, gain) + x


def _rows(F: Any, x: Any) -> Any:
    """``(N, C, H, W)`` as ``(N, C, H * W)``."""
    return F.reshape(x, (0, 0, -1))


class DualAttentionHead(HybridBlock):
    """Scores of what both kinds of attention give together, and of each alone."""

    def __init__(self, backbone: HybridBlock, classes: int, *, norm: Norm = BatchNorm) -> None:
        super().__init__()
        before = backbone.channels[-1]
        width = before // 4
        conv = partial(ConvNormAct, kernel_size=3, norm=norm)
        self.into_places, self.into_channels = conv(before, width), conv(before, width)
        self.places, self.channels = PlaceAttention(width), ChannelAttention()
        self.from_places, self.from_channels = conv(width, width), conv(width, width)
        output = partial(Conv2D, classes, 1, in_channels=width)
        self.output, self.place_output, self.channel_output = output(), output(), output()

    def hybrid_forward(self, F: Any, *features: Any) -> tuple[Any, Any, Any]:
        """Maps features, finest first, to three times scores ``(N, classes, H, W)``."""
        x = features[-1]
        places = self.from_places(self.places(self.into_places(x)))
        channels = self.from_channels(self.channels(self.into_channels(x)))
        both = self.output(places + channels)
        return both, self.place_output(places), self.channel_output(channels)
