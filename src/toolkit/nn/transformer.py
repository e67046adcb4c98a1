"""The layer that transformers are made of: attention, then a feed-forward network."""

from __future__ import annotations

from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, Dropout

from toolkit.nn.attention import MultiHeadAttention


class FeedForward(HybridBlock):
    """Two dense layers on each token alone, an activation between them.

    Args:
        units: Units of the input and of the output.
        hidden_units: Units between the layers.
        act: The activation.
        dropout: Rate after the activation.
        use_bias: Whether the layers have biases.
    """

    def __init__(
        self,
        units: int,
        hidden_units: int,
        *,
        act: HybridBlock,
        dropout: float = 0.0,
        use_bias: bool = True,
    ) -> None:
        super().__init__()
        self.expand = Dense(hidden_units, flatten=False, use_bias=use_bias, in_units=units)
        self.act = act
        self.dropout = Dropout(dropout) if dropout else None
        self.contract = Dense(units, flatten=False, use_bias=use_bias, in_units=hidden_units)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, T, units)`` to the same shape."""
        x = self.act(self.expand(x))
        if self.dropout is not None:
            x = self.dropout(x)
        return self.contract(x)


class GatedFeedForward(HybridBlock):
    """A dense layer whose units are scaled by an activation of another's, then one that contracts.

    Shazeer, 2020, https://arxiv.org/abs/2002.05202.

    Args:
        units: Units of the input and of the output.
        hidden_units: Units between the layers.
        act: The activation of the gates.
        dropout: Rate on what the gates let through.
        use_bias: Whether the layers have biases.
    """

    def __init__(
        self,
        units: int,
        hidden_units: int,
        *,
        act: HybridBlock,
        dropout: float = 0.0,
        use_bias: bool = True,
    ) -> None:
        super().__init__()
        self.gate = Dense(hidden_units, flatten=False, use_bias=use_bias, in_units=units)
        self.act = act
        self.linear = Dense(hidden_units, flatten=False, use_bias=use_bias, in_units=units)
        self.dropout = Dropout(dropout) if dropout else None
        self.contract = Dense(units, flatten=False, use_bias=use_bias, in_units=hidden_units)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, T, units)`` to the same shape."""
        x = self.act(self.gate(x)) * self.linear(x)
        if self.dropout is not None:
            x = self.dropout(x)
        return self.contract(x)


class TransformerLayer(HybridBlock):
    """Attention and a feed-forward network, each with a shortcut, a dropout and a normalization.

    Args:
        attention: Maps ``(x, bias)``, and what else it wants to know, to the shape of ``x``.
        feed_forward: Maps ``x`` to the same shape.
        norms: The two normalizations.
        dropout: Rate on what each part adds to its shortcut.
        norm_first: Whether the parts see normalized inputs (as in GPT-2), instead of their sums
            being normalized (as in BERT).
    """

    def __init__(
        self,
        attention: HybridBlock,
        feed_forward: HybridBlock,
        norms: tuple[HybridBlock, HybridBlock],
        *,
        dropout: float = 0.0,
        norm_first: bool = False,
    ) -> None:
        super().__init__()
        self.attention = attention
        self.attention_norm = norms[0]
        self.feed_forward = feed_forward
        self.feed_forward_norm = norms[1]
        self.dropout = Dropout(dropout) if dropout else None
        self._norm_first = norm_first

    def hybrid_forward(self, F: Any, x: Any, bias: Any = None, *context: Any) -> Any:
        """Maps ``(N, T, units)`` to the same shape; the rest is handed to the attention."""
        if self._norm_first:
            x = x + self._drop(self.attention(self.attention_norm(x), bias, *context))
            return x + self._drop(self.feed_forward(self.feed_forward_norm(x)))
        x = self.attention_norm(x + self._drop(self.attention(x, bias, *context)))
        return self.feed_forward_norm(x + self._drop(self.feed_forward(x)))

    def step(self, x: Any, bias: Any, past: Any, *context: Any) -> tuple[Any, Any]:
        """The same for new tokens alone; ``past`` and what is returned as for the attention."""
        asked = self.attention_norm(x) if self._norm_first else x
        mixed, past = self.attention.step(asked, bias, past, *context)
        x = x + self._drop(mixed)
        if self._norm_first:
            return x + self._drop(self.feed_forward(self.feed_forward_norm(x))), past
        x = self.attention_norm(x)
        return self.feed_forward_norm(x + self._drop(self.feed_forward(x))), past

    def _drop(self, x: Any) -> Any:
        return x if self.dropout is None else self.dropout(x)


class DecoderLayer(HybridBlock):
    """A layer that looks at the words so far, then at a memory, and feeds forward.

    Vaswani et al., 2017, https://arxiv.org/abs/1706.03762.

    Args:
        attention: To the words so far; maps ``(x, bias)`` to the shape of ``x``.
        cross_attention: To the memory; maps ``(x, bias, memory)`` to the shape of ``x``.
        feed_forward: Maps ``x`` to the same shape.
        norms: One for each of these.
        dropout: Rate on what each part adds to its shortcut.
        norm_first: Whether the parts see normalized inputs (as in T5), instead of their sums being
            normalized (as in the first Transformer).
    """

    def __init__(
        self,
        attention: MultiHeadAttention,
        cross_attention: MultiHeadAttention,
        feed_forward: HybridBlock,
        norms: tuple[HybridBlock, HybridBlock, HybridBlock],
        *,
        dropout: float = 0.0,
        norm_first: bool = True,
    ) -> None:
        super().__init__()
        self.attention = attention
        self.attention_norm = norms[0]
        self.cross_attention = cross_attention
        self.cross_attention_norm = norms[1]
        self.feed_forward = feed_forward
        self.feed_forward_norm = norms[2]
        self.dropout = Dropout(dropout) if dropout else None
        self._norm_first = norm_first

    def hybrid_forward(self, F: Any, x: Any, bias: Any, memory: Any, memory_bias: Any) -> Any:
        """Maps ``(N, T, units)`` to the same shape; the memory is ``(N, S, units)``."""
        mixed = self.attention(self._before(x, self.attention_norm), bias)
        x = self._after(x, mixed, self.attention_norm)
        asked = self._before(x, self.cross_attention_norm)
        mixed = self.cross_attention(asked, memory_bias, memory)
        return self._feed(self._after(x, mixed, self.cross_attention_norm))

    def step(
        self, x: Any, bias: Any, past: Any, memory: tuple[Any, Any, Any], F: Any = mx.nd
    ) -> tuple[Any, Any]:
        """The same for new words alone.

        Args:
            x: The new words ``(N, T, units)``.
            bias: Added to their scores of the words so far.
            past: Keys and values of the earlier words, or None.
            memory: What ``cross_attention.remember`` gave, and the bias of its scores.
            F: ``mx.nd`` or ``mx.sym``.

        Returns:
            ``(N, T, units)``, and the keys and values with the new words.
        """
        asked = self._before(x, self.attention_norm)
        mixed, past = self.attention.step(asked, bias, past, F)
        x = self._after(x, mixed, self.attention_norm)
        asked = self._before(x, self.cross_attention_norm)
        mixed = self.cross_attention.recall(F, asked, *memory)
        return self._feed(self._after(x, mixed, self.cross_attention_norm)), past

    def parts_of_step(self) -> tuple[HybridBlock, ...]:
        """The blocks that ``step`` calls: all but the cross attention's, of keys and values."""
        cross = self.cross_attention
        return (
            *(self.attention, self.attention_norm),
            *(cross.query, cross.output, self.cross_attention_norm),
            *(self.feed_forward, self.feed_forward_norm),
        )

    def _feed(self, x: Any) -> Any:
        fed = self.feed_forward(self._before(x, self.feed_forward_norm))
        return self._after(x, fed, self.feed_forward_norm)

    def _before(self, x: Any, norm: HybridBlock) -> Any:
        """What a part sees."""
        return norm(x) if self._norm_first else x

    def _after(self, x: Any, added: Any, norm: HybridBlock) -> Any:
        """The sum of a shortcut and what a part adds to it."""
        x = x + (added if self.dropout is None else self.dropout(added))
        return x if self._norm_first else norm(x)
