"""Convolution with its normalization and activation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mxnet.gluon import HybridBlock, nn
from mxnet.gluon.nn import Activation, BatchNorm, LeakyReLU

Norm = Callable[..., HybridBlock]  # called with in_channels=
Act = Callable[[], HybridBlock]


def relu() -> HybridBlock:
    """Rectified linear unit, ``max(x, 0)``."""
    return Activation("relu")


def leaky_relu() -> HybridBlock:
    """Darknet's and YOLO's activation, ``max(x, 0.1 * x)``."""
    return LeakyReLU(0.1)


def _pair(sides: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width, given both or the one number that both are."""
    return (sides, sides) if isinstance(sides, int) else sides


class Conv2D(nn.Conv2D):
    """Gluon's convolution, made in a third of the time: its channels are known from the start.

    Gluon asks a graph for the shape of the weights, which takes most of the time that it takes to
    make a network.

    Args:
        channels: Channels of the output.
        kernel_size: Side of the square kernel, or height and width of any.
        strides: Stride, one for both directions or two.
        padding: Rows and columns of zeros around the input, one number for both or two.
        in_channels: Channels of the input.
        use_bias: Whether each channel is shifted.
        **further: ``dilation`` and ``groups``, by default 1, ``weight_initializer``, by default
            that of the network, and ``bias_initializer``, by default zeros.
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        *,
        in_channels: int,
        use_bias: bool = True,
        **further: Any,
    ) -> None:
        HybridBlock.__init__(self)
        sides, groups = _pair(kernel_size), further.pop("groups", 1)
        self._channels, self._in_channels = channels, in_channels
        self._op_name = "Convolution"
        self._kwargs = {
            "kernel": sides,
            "stride": _pair(strides),
            "dilate": _pair(further.pop("dilation", 1)),
            "pad": _pair(padding),
            "num_filter": channels,
            "num_group": groups,
            "no_bias": not use_bias,
            "layout": "NCHW",
        }
        shape, init = (channels, in_channels // groups, *sides), further.pop
        self.weight = self.params.get("weight", shape=shape, init=init("weight_initializer", None))
        bias = init("bias_initializer", "zeros")
        self.bias = self.params.get("bias", shape=(channels,), init=bias) if use_bias else None
        self.act = None
        if further:
            raise TypeError(f"a convolution has no option {', '.join(sorted(further))}")


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
        dilation = conv.get("dilation", 1)
        height, width = _pair(kernel_size)
        conv.setdefault("padding", (height // 2 * dilation, width // 2 * dilation))
        self.conv = layer(channels, kernel_size, in_channels=in_channels, **conv)
        self.norm = norm(in_channels=channels) if norm else None
        self.act = act() if act else None

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, channels, H', W')``."""
        x = self.conv(x)
        if self.norm is not None:
            x = self.norm(x)
        return self.act(x) if self.act is not None else x
