"""Transformer-XL: Dai et al., 2019, https://arxiv.org/abs/1901.02860.

Words of many kinds of frequency: Grave et al., 2016, https://arxiv.org/abs/1609.04309 (scores),
Baevski and Auli, 2018, https://arxiv.org/abs/1809.10853 (tables).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dropout, LayerNorm

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.activation import activation
from toolkit.nn.adaptive_words import AdaptiveScores, AdaptiveWords
from toolkit.nn.containers import sequence
from toolkit.nn.masks import causal_bias, padding_bias
from toolkit.nn.relative_attention import RelativeAttention, relative_positions
from toolkit.nn.transformer import FeedForward, TransformerLayer

# What entered each layer for the texts read so far.
States = list[tuple[mx.nd.NDArray]]


@dataclass(frozen=True)
class TransformerXLConfig:
    """What tells one Transformer-XL from another."""

    layers: int = 18
    units: int = 1024
    heads: int = 16
    head_units: int | None = None  # default units / heads
    hidden_units: int = 4096  # of the feed-forward networks
    vocab_size: int = 267735
    cutoffs: tuple[int, ...] = ()  # where the rarer words begin; none for one table
    embedding_units: int = 1024  # of the table of the most frequent words
    division: int = 1  # each next table has so many times fewer units
    own_projection: bool = False  # whether the most frequent words are scored by one of their own
    memory: int = 1600  # tokens that are remembered
    window: bool = True  # whether no token sees more than that, itself included
    longest: int = -1  # larger distances count as this one; -1 for no bound
    epsilon: float = 1e-5  # of the normalizations
    activation: str = "relu"
    pooler_activation: str = "tanh"
    dropout: float = 0.1
    attention_dropout: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "cutoffs", tuple(self.cutoffs))


_CHARACTERS = TransformerXLConfig(
    layers=24,
    heads=8,
    hidden_units=3072,
    vocab_size=204,
    memory=3800,
    longest=820,
    dropout=0.15,
    attention_dropout=0.15,
)

VARIANTS = {
    "transformerxl": TransformerXLConfig(  # WikiText-103
        cutoffs=(20000, 40000, 200000),
        division=4,
        own_projection=True,
        longest=1000,
        dropout=0.2,
        attention_dropout=0.2,
    ),
    "transformerxl_enwik8": _CHARACTERS,
    "transformerxl_text8": replace(_CHARACTERS, vocab_size=27),
}


def _layer(config: TransformerXLConfig) -> TransformerLayer:
    units, dropout = config.units, config.dropout
    norms = (
        LayerNorm(epsilon=config.epsilon, in_channels=units),
        LayerNorm(epsilon=config.epsilon, in_channels=units),
    )
    return TransformerLayer(
        RelativeAttention(
            units, config.heads, head_units=config.head_units, dropout=config.attention_dropout
        ),
        FeedForward(units, config.hidden_units, act=activation(config.activation), dropout=dropout),
        norms,
        dropout=dropout,
    )


@BACKBONES.family(VARIANTS)
class TransformerXL(HybridBlock):
    """Maps tokens ``(N, T)``, segments ``(N, T)`` and lengths ``(N,)`` to ``(N, T, units)``.

    Each token sees those before it, so the last one sums up a text. Segments are taken as every
    encoder takes them, but nothing depends on them.
    """

    ends_with_summary = True

    def __init__(self, config: TransformerXLConfig) -> None:
        super().__init__()
        self.config = config
        self.units = config.units
        self.vocab_size = config.vocab_size
        self.tokens = AdaptiveWords(
            config.vocab_size,
            config.units,
            cutoffs=config.cutoffs,
            embedding_units=config.embedding_units,
            division=config.division,
        )
        self.dropout = Dropout(config.dropout)
        self.layers = sequence(*(_layer(config) for _ in range(config.layers)))

    def make_decoder(self) -> HybridBlock:
        """Logarithms of the probabilities of every word, by the tables of words."""
        return AdaptiveScores(self.tokens, own_projection=self.config.own_projection)

    def hybrid_forward(self, F: Any, tokens: Any, segments: Any, valid_length: Any) -> Any:
        """Reads whole texts."""
        x = self.dropout(self.tokens(tokens))
        padding = padding_bias(F, tokens, valid_length, self.config.heads)
        bias = F.broadcast_add(padding, causal_bias(F, tokens, window=self._window))
        places = self._places(F, x, x)
        for layer in self.layers:
            x = layer(x, bias, places)
        # All of it: the segments are here for their shape, so that no graph lacks this input.
        x = F.slice_like(self.dropout(x), segments, axes=(0, 1))
        return F.SequenceMask(x, valid_length, use_sequence_length=True, axis=1)

    def step(
        self, tokens: mx.nd.NDArray, states: States | None = None
    ) -> tuple[mx.nd.NDArray, States]:
        """Reads the next tokens ``(N, T)`` of texts; gradients end where these begin.

        Returns:
            Features ``(N, T, units)`` of these tokens, and what is remembered for those that
            follow: what entered each layer, of at most ``memory`` tokens.
        """
        F, x = mx.nd, self.dropout(self.tokens(tokens))
        new: States = []
        bias = places = None
        for index, layer in enumerate(self.layers):
            source = F.concat(states[index][0], x, dim=1) if states else x
            if places is None:
                places = self._places(F, x, source)
                bias = causal_bias(F, x[:, :, 0], source[:, :, 0], window=self._window)
            new.append((source[:, -self.config.memory :].detach(),))
            x = layer(x, bias, places, source)
        return self.dropout(x), new

    @property
    def _window(self) -> int | None:
        return self.config.memory if self.config.window else None

    def _places(self, F: Any, x: Any, source: Any) -> Any:
        longest = self.config.longest
        return self.dropout(
            relative_positions(F, x, source, units=self.units, longest=longest, backward_only=True)
        )
