"""Convolution with its normalization and activation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Activation, BatchNorm, Conv2D, LeakyReLU

Norm = Callable[..., HybridBlock]  # called with in_channels=
Act = Callable[[], HybridBlock]


def relu() -> HybridBlock:
    """Rectified linear unit, ``max(x, 0)``."""
    return Activation("relu")


def leaky_relu() -> HybridBlock:
    """Darknet's and YOLO's activation, ``max(x, 0.1 * x)``."""
    return LeakyReLU(0.1)


class ConvNormAct(HybridBlock):
    """Convolution, then normalization, then activation; the last two may be absent.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the output.
        kernel_size: Side of the square kernel, or height and width of any; the padding keeps the
            size at stride 1.
        norm: Makes the normalization, given ``in_channels``; None for none.
        act: Makes the activation; None for none.
        layer: Makes the convolution, given what ``Conv2D`` takes.
        **conv: Further options of ``Conv2D``: ``strides``, ``groups``, ``use_bias``, ``dilation``.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        kernel_size: int | tuple[int, int] = 1,
        *,
        norm: Norm | None = BatchNorm,
        act: Act | None = relu,
        layer: Callable[..., HybridBlock] = Conv2D,
        **conv: Any,
    ) -> None:
        super().__init__()
        conv.setdefault("use_bias", norm is None)
        sides = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
        conv.setdefault("padding", tuple(side // 2 * conv.get("dilation", 1) for side in sides))
        self.conv = layer(channels, kernel_size, in_channels=in_channels, **conv)
        self.norm = norm(in_channels=channels) if norm else None
        self.act = act() if act else None

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, channels, H', W')``."""
        x = self.conv(x)
        if self.norm is not None:
            x = self.norm(x)
        return self.act(x) if self.act is not None else x
