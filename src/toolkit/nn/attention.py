"""Blocks that weigh features by what else is in the image or in the text."""

from __future__ import annotations

from functools import partial
from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Activation, Dense, Dropout

from toolkit.nn.conv import Conv2D, ConvNormAct, Norm, relu
from toolkit.nn.pool import AdaptiveAvgPool


class SqueezeExcitation(HybridBlock):
    """Scales each channel by a gate in (0, 1) made from the means of all channels.

    Hu et al., 2017, https://arxiv.org/abs/1709.01507.

    Args:
        channels: Channels of the input and of the output.
        squeezed: Units of the layer in between.
        use_bias: Whether both layers have biases.
    """

    def __init__(self, channels: int, squeezed: int, *, use_bias: bool = False) -> None:
        super().__init__()
        self.squeeze = Dense(squeezed, use_bias=use_bias, in_units=channels)
        self.act = relu()
        self.excite = Dense(channels, use_bias=use_bias, in_units=squeezed)
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


def split_heads(F: Any, x: Any, heads: int) -> Any:
    """Puts heads side by side: ``(N, T, width)`` to ``(N, heads, T, head_units)``."""
    return F.transpose(F.reshape(x, (0, 0, heads, -1)), (0, 2, 1, 3))


def join_heads(F: Any, x: Any) -> Any:
    """The way back: ``(N, heads, T, head_units)`` to ``(N, T, width)``."""
    return F.reshape(F.transpose(x, (0, 2, 1, 3)), (0, 0, -1))


class SplitAttention(HybridBlock):
    """Two 3x3 convolutions of half the input each, mixed channel by channel.

    Zhang et al., 2020, https://arxiv.org/abs/2004.08955.
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
        self.conv = conv(channels, 2 * channels, 3, dilation=dilation, groups=2)
        self.means = AdaptiveAvgPool()
        self.squeeze = conv(channels, squeezed, use_bias=True)
        self.excite = Conv2D(2 * channels, 1, in_channels=squeezed)
        self.drop = drop
        self.pool = pool

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, channels, H, W)`` to the same shape, or what the pooling makes of it."""
        first, second = F.split(self.conv(x), num_outputs=2, axis=1)
        scores = self.excite(self.squeeze(self.means(first + second)))
        shares = F.softmax(F.reshape(scores, (0, 2, -1)), axis=1)
        of_first, of_second = F.split(F.reshape(shares, (0, -1, 1, 1)), num_outputs=2, axis=1)
        x = F.broadcast_mul(first, of_first) + F.broadcast_mul(second, of_second)
        if self.drop is not None:
            x = self.drop(x)
        return x if self.pool is None else self.pool(x)


class MultiHeadAttention(HybridBlock):
    """Mixes tokens by how well their queries and keys agree, in several heads side by side.

    Vaswani et al., 2017, https://arxiv.org/abs/1706.03762.

    Args:
        units: Units of the tokens that ask, and of the result.
        heads: Number of heads.
        head_units: Units of each head; default ``units / heads``.
        memory_units: Units of the tokens that are asked, where they are others.
        dropout: Rate on the weights of the mixture.
        use_bias: Whether the four projections have biases.
        scaled: Whether scores are divided by the root of ``head_units``.
        fused: Whether MXNet's ``interleaved_matmul_selfatt`` operators are used. The results are
            the same; they are no faster, but their graph is shorter.

    Raises:
        ValueError: the units do not divide into that many heads.
    """

    def __init__(
        self,
        units: int,
        heads: int,
        *,
        head_units: int | None = None,
        memory_units: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        scaled: bool = True,
        fused: bool = False,
    ) -> None:
        super().__init__()
        if head_units is None and units % heads:
            raise ValueError(f"{units} units do not divide into {heads} heads")
        self.heads = heads
        self._fused = fused
        width = heads * (head_units or units // heads)
        self._scale = (width // heads) ** -0.5 if scaled else 1.0
        if fused and (memory_units is not None or not (scaled and use_bias)):
            raise ValueError("the fused form is scaled self-attention with biases, nothing else")
        project = partial(Dense, flatten=False, use_bias=use_bias)
        self.query = project(width, in_units=units)
        self.key = project(width, in_units=memory_units or units)
        self.value = project(width, in_units=memory_units or units)
        self.output = project(units, in_units=width)
        self.dropout = Dropout(dropout) if dropout else None

    def hybrid_forward(self, F: Any, x: Any, bias: Any = None, memory: Any = None) -> Any:
        """Maps ``(N, T, units)`` to the same shape.

        ``bias``, of a shape that broadcasts to ``(N, heads, T, S)``, is added to the scores before
        softmax; ``memory`` ``(N, S, memory_units)`` is what is asked, default ``x`` itself.
        """
        if self._fused:
            return self.output(self._interleaved(F, x, bias))
        return self.recall(F, x, *self.remember(F, x if memory is None else memory), bias)

    def remember(self, F: Any, memory: Any) -> tuple[Any, Any]:
        """Keys and values of a memory ``(N, S, memory_units)``: ``(N, heads, S, head_units)``."""
        key, value = (split_heads(F, part(memory), self.heads) for part in (self.key, self.value))
        return key, value

    def recall(self, F: Any, x: Any, key: Any, value: Any, bias: Any = None) -> Any:
        """What ``x`` ``(N, T, units)`` finds in a memory by its keys and values: the same shape."""
        return self.attend(F, split_heads(F, self.query(x), self.heads), key, value, bias)

    def step(self, x: Any, bias: Any, past: Any, F: Any = mx.nd) -> tuple[Any, Any]:
        """Attention of new tokens ``(N, T, units)`` to themselves and to earlier ones.

        ``past`` are keys and values of the earlier ones, each ``(N, heads, S, head_units)``, or
        None; returned are ``(N, T, units)`` and the same pair with the new tokens.
        """
        new = self.remember(F, x)
        if past is not None:
            new = tuple(F.concat(*pair, dim=2) for pair in zip(past, new, strict=True))
        return self.recall(F, x, *new, bias), new

    def attend(self, F: Any, query: Any, key: Any, value: Any, bias: Any = None) -> Any:
        """Mixes values ``(N, heads, S, head_units)`` into ``(N, T, units)``."""
        scores = F.linalg.gemm2(query * self._scale, key, transpose_b=True)
        mixed = F.linalg.gemm2(self._weights(F, scores, bias), value)
        return self.output(join_heads(F, mixed))

    def _weights(self, F: Any, scores: Any, bias: Any) -> Any:
        # Softmax by ``length`` would do without a bias, at twelve times the cost of a plain one.
        if bias is not None:
            scores = F.broadcast_add(scores, bias)
        weights = F.softmax(scores, axis=-1)
        return weights if self.dropout is None else self.dropout(weights)

    def _interleaved(self, F: Any, x: Any, bias: Any) -> Any:
        parts = [
            F.reshape(p(x), (0, 0, self.heads, -1)) for p in (self.query, self.key, self.value)
        ]
        joint = F.reshape(F.transpose(F.concat(*parts, dim=3), (1, 0, 2, 3)), (0, 0, -3))
        scores = F.contrib.interleaved_matmul_selfatt_qk(joint, heads=self.heads)
        scores = F.reshape(scores, (-4, -1, self.heads, 0, 0))
        weights = F.reshape(self._weights(F, scores, bias), (-3, 0, 0))
        mixed = F.contrib.interleaved_matmul_selfatt_valatt(joint, weights, heads=self.heads)
        return F.transpose(mixed, (1, 0, 2))
