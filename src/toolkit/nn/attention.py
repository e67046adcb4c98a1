"""Blocks that weigh features by what else is in the image."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Activation, Conv2D, Dense

from toolkit.nn.conv import relu
from toolkit.nn.pool import AdaptiveAvgPool


class SqueezeExcitation(HybridBlock):
    """Scales each channel by a gate in (0, 1) made from the means of all channels.

    Hu et al., 2017, https://arxiv.org/abs/1709.01507.

    Args:
        channels: Channels of the input and of the output.
        squeezed: Units of the layer in between.
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.squeeze = Dense(squeezed, use_bias=False, in_units=channels)
        self.act = relu()
        self.excite = Dense(channels, use_bias=False, in_units=squeezed)
        self.gate = Activation("sigmoid")

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, channels, H, W)`` to the same shape."""
        means = F.contrib.AdaptiveAvgPooling2D(x, output_size=1)
        gates = self.gate(self.excite(self.act(self.squeeze(means))))
        return F.broadcast_mul(x, F.reshape(gates, (0, 0, 1, 1)))


class ConvSqueezeExcitation(HybridBlock):
    """Squeeze and excitation as most networks since have it: by 1x1 convolutions with biases.

    Args:
        channels: Channels of the input and of the output.
        squeezed: Channels of the layer in between.
        pool: Takes the means; default adaptive average pooling.
        gate: Makes gates of the last convolution's output; default a sigmoid.
    """

    def __init__(
        self,
        channels: int,
        squeezed: int,
        *,
        pool: HybridBlock | None = None,
        gate: HybridBlock | None = None,
    ) -> None:
        super().__init__()
        self.pool = AdaptiveAvgPool() if pool is None else pool
        self.squeeze = Conv2D(squeezed, 1, in_channels=channels)
        self.act = relu()
        self.excite = Conv2D(channels, 1, in_channels=squeezed)
        self.gate = Activation("sigmoid") if gate is None else gate

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, channels, H, W)`` to the same shape."""
        gates = self.gate(self.excite(self.act(self.squeeze(self.pool(x)))))
        return F.broadcast_mul(x, gates)
