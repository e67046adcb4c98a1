"""GPT-2: Radford et al., 2019, "Language Models are Unsupervised Multitask Learners"."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dropout, Embedding, LayerNorm

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.activation import activation
from toolkit.nn.attention import MultiHeadAttention
from toolkit.nn.containers import sequence
from toolkit.nn.masks import causal_bias, padding_bias
from toolkit.nn.transformer import FeedForward, TransformerLayer

# Keys and values of the tokens read so far, for each layer.
States = list[tuple[mx.nd.NDArray, mx.nd.NDArray]]


@dataclass(frozen=True)
class GPT2Config:
    """What tells one GPT-2 from another."""

    layers: int = 12
    units: int = 768
    heads: int = 12
    hidden_units: int | None = None  # of the feed-forward networks; default four times the units
    vocab_size: int = 50257
    max_length: int = 1024  # rows of the table of positions
    epsilon: float = 1e-5  # of the normalizations
    activation: str = "gelu_tanh"
    pooler_activation: str = "tanh"
    dropout: float = 0.1


VARIANTS = {
    "gpt2_117m": GPT2Config(),
    "gpt2_345m": GPT2Config(layers=24, units=1024, heads=16),
    "gpt2_774m": GPT2Config(layers=36, units=1280, heads=20),
    "gpt2_1558m": GPT2Config(layers=48, units=1600, heads=25),
}


def _layer(config: GPT2Config) -> TransformerLayer:
    units, dropout = config.units, config.dropout
    act = activation(config.activation)
    return TransformerLayer(
        MultiHeadAttention(units, config.heads, dropout=dropout),
        FeedForward(units, config.hidden_units or 4 * units, act=act),
        (
            LayerNorm(epsilon=config.epsilon, in_channels=units),
            LayerNorm(epsilon=config.epsilon, in_channels=units),
        ),
        dropout=dropout,
        norm_first=True,
    )


class NextToken(HybridBlock):
    """One more token ``(N, 1)`` of texts that were read: a single graph for every length.

    What a token costs is reading all weights once; asked for by operators one by one, their
    overhead would add as much again.

    Args:
        tokens: The table of words.
        layers: The layers, which keep their parameters.
        norm: The last normalization.
    """

    def __init__(self, tokens: HybridBlock, layers: HybridBlock, norm: HybridBlock) -> None:
        super().__init__()
        self.tokens, self.layers, self.norm = tokens, layers, norm
        self.hybridize()

    def hybrid_forward(self, F: Any, tokens: Any, position: Any, *states: Any) -> list[Any]:
        """Features ``(N, 1, units)``, then the keys and values of every layer.

        ``position`` ``(1, 1, units)`` is that of the token; ``states`` are keys and values, too.
        """
        x = F.broadcast_add(self.tokens(tokens), position)
        new: list[Any] = []
        for index, layer in enumerate(self.layers):
            x, pair = layer.step(x, None, states[2 * index : 2 * index + 2], F)
            new += pair
        return [self.norm(x), *new]


@BACKBONES.family(VARIANTS)
class GPT2(HybridBlock):
    """Maps tokens ``(N, T)``, segments ``(N, T)`` and lengths ``(N,)`` to ``(N, T, units)``.

    Each token sees those before it, so that the last one sums up a text. Segments are taken as
    every encoder takes them, but GPT-2 knows none.
    """

    ends_with_summary = True

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        self.config = config
        self.units = config.units
        self.vocab_size = config.vocab_size
        self.tokens = Embedding(config.vocab_size, config.units)
        self.positions = self.params.get("positions", shape=(config.max_length, config.units))
        self.dropout = Dropout(config.dropout) if config.dropout else None
        self.layers = sequence(*(_layer(config) for _ in range(config.layers)))
        self.norm = LayerNorm(epsilon=config.epsilon, in_channels=config.units)
        # A function, not a child: its parameters are not this network's a second time.
        self._read_one = partial(NextToken(self.tokens, self.layers, self.norm))  # type: ignore[misc]

    def hybrid_forward(
        self, F: Any, tokens: Any, segments: Any, valid_length: Any, positions: Any
    ) -> Any:
        """Reads whole texts."""
        rows = F.slice_like(positions, F.transpose(segments), axes=(0,))
        x = F.broadcast_add(self.tokens(tokens), F.expand_dims(rows, axis=0))
        if self.dropout is not None:
            x = self.dropout(x)
        padding = padding_bias(F, tokens, valid_length, self.config.heads)
        bias = F.broadcast_add(padding, causal_bias(F, tokens))
        for layer in self.layers:
            x = layer(x, bias)
        return F.SequenceMask(self.norm(x), valid_length, use_sequence_length=True, axis=1)

    def step(
        self, tokens: mx.nd.NDArray, states: States | None = None
    ) -> tuple[mx.nd.NDArray, States]:
        """Reads the next tokens ``(N, T)`` of texts whose earlier ones are in ``states``.

        Returns:
            Features ``(N, T, units)`` of these tokens, and the states with them.

        Raises:
            ValueError: the texts are longer than the table of positions.
        """
        read = states[0][0].shape[2] if states else 0
        length = read + tokens.shape[1]
        if length > self.config.max_length:
            raise ValueError(f"{length} tokens; this model reads {self.config.max_length}")
        positions = self.positions.data(tokens.context)[read:length].expand_dims(0)
        if states and length - read == 1:
            x, *flat = self._read_one(tokens, positions, *(a for pair in states for a in pair))
            return x, list(zip(flat[::2], flat[1::2], strict=True))
        x = mx.nd.broadcast_add(self.tokens(tokens), positions)
        bias = _bias_after(read, length, tokens.context)
        new: States = []
        for index, layer in enumerate(self.layers):
            x, state = layer.step(x, bias, states[index] if states else None)
            new.append(state)
        return self.norm(x), new


def _bias_after(read: int, length: int, ctx: mx.Context) -> mx.nd.NDArray | None:
    """The causal bias of the tokens from ``read`` on; None for a single one, which sees all."""
    if length - read == 1:
        return None
    whole = causal_bias(mx.nd, mx.nd.zeros((1, length), ctx=ctx))
    return whole[:, :, read:]
