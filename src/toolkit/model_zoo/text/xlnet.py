"""XLNet: Yang et al., 2019, https://arxiv.org/abs/1906.08237."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, Dropout, Embedding, LayerNorm

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.activation import activation
from toolkit.nn.containers import sequence
from toolkit.nn.masks import FORBIDDEN, causal_bias, padding_bias
from toolkit.nn.relative_attention import RelativeAttention, differing, relative_positions
from toolkit.nn.transformer import FeedForward, TransformerLayer

# What entered each layer for the texts read so far.
Memory = list[mx.nd.NDArray]


@dataclass(frozen=True)
class XLNetConfig:
    """What tells one XLNet from another.

    Raises:
        ValueError: tokens see neither both ways nor one.
    """

    layers: int = 12
    units: int = 768
    heads: int = 12
    hidden_units: int = 3072  # of the feed-forward networks
    vocab_size: int = 32000
    sight: str = "bi"  # both ways; "uni": each token sees those before it
    longest: int = -1  # larger distances count as this one; -1 for no bound
    epsilon: float = 1e-12  # of the normalizations
    activation: str = "gelu_tanh"
    pooler_activation: str = "tanh"
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.sight not in ("bi", "uni"):
            raise ValueError(f"sight must be 'bi' or 'uni', got {self.sight!r}")


_BASE = XLNetConfig()

VARIANTS = {
    "xlnet_cased_l12_h768_a12": _BASE,
    "xlnet_cased_l24_h1024_a16": replace(_BASE, layers=24, units=1024, heads=16, hidden_units=4096),
}


def _layer(config: XLNetConfig) -> TransformerLayer:
    units, dropout = config.units, config.dropout
    act = activation(config.activation)
    norms = (
        LayerNorm(epsilon=config.epsilon, in_channels=units),
        LayerNorm(epsilon=config.epsilon, in_channels=units),
    )
    return TransformerLayer(
        RelativeAttention(units, config.heads, segments=True, dropout=dropout),
        FeedForward(units, config.hidden_units, act=act, dropout=dropout),
        norms,
        dropout=dropout,
    )


@BACKBONES.family(VARIANTS)
class XLNet(HybridBlock):
    """Maps tokens ``(N, T)``, segments ``(N, T)`` and lengths ``(N,)`` to ``(N, T, units)``.

    What stands beyond the valid length changes nothing, and its results are zero. The token that
    sums up a text is its last one.
    """

    ends_with_summary = True

    def __init__(self, config: XLNetConfig) -> None:
        super().__init__()
        self.config = config
        self.units = config.units
        self.vocab_size = config.vocab_size
        self.tokens = Embedding(config.vocab_size, config.units)
        self.dropout = Dropout(config.dropout) if config.dropout else None
        self.layers = sequence(*(_layer(config) for _ in range(config.layers)))

    def make_decoder(self) -> HybridBlock:
        """Scores of every word, by the table of words itself and a bias a word."""
        return Dense(self.vocab_size, flatten=False, in_units=self.units, params=self.tokens.params)

    def hybrid_forward(self, F: Any, tokens: Any, segments: Any, valid_length: Any) -> Any:
        """Reads whole texts."""
        x = self._drop(self.tokens(tokens))
        bias = padding_bias(F, tokens, valid_length, self.config.heads)
        if self.config.sight == "uni":
            bias = F.broadcast_add(bias, causal_bias(F, tokens))
        places = self._places(F, x, x)
        different = differing(F, segments, segments)
        for layer in self.layers:
            x = layer(x, bias, places, None, different)
        return self._finish(F, x, valid_length)

    def predict(self, F: Any, texts: tuple[Any, Any, Any], hidden: Any, unknown: Any) -> Any:
        """Features of what may stand at each place, seen by what the place may look at.

        Two streams: one of the tokens themselves, one that knows the place alone, not the token.

        Args:
            F: ``mx.nd`` or ``mx.sym``.
            texts: Tokens, segments and lengths, as for a call.
            hidden: 1 where place i may not look at token j, else 0: ``(N, T, T)``.
            unknown: What the second stream begins with, ``(1, 1, units)``.

        Returns:
            ``(N, T, units)``, zero beyond the valid length.
        """
        tokens, segments, valid_length = texts
        x = self._drop(self.tokens(tokens))
        places, different = self._places(F, x, x), differing(F, segments, segments)
        guess = self._drop(F.broadcast_like(unknown, x))
        padding = padding_bias(F, tokens, valid_length, self.config.heads)
        hidden = F.expand_dims(F.cast(hidden, "float32"), axis=1)
        of_places = _forbid(F, padding, hidden)
        of_tokens = _forbid(F, padding, F.broadcast_mul(hidden, _others(F, tokens)))
        for layer in self.layers:
            guess = layer(guess, of_places, places, x, different)
            x = layer(x, of_tokens, places, None, different)
        return self._finish(F, guess, valid_length)

    def read(
        self, tokens: mx.nd.NDArray, memory: Memory | None = None, *, keep: int
    ) -> tuple[mx.nd.NDArray, Memory]:
        """Reads the next part of long texts; gradients end where the part begins.

        Args:
            tokens: ``(N, T)``, all of one segment.
            memory: What this returned for the part before.
            keep: How many tokens are remembered.

        Returns:
            Features ``(N, T, units)``, and the memory with this part.
        """
        F, x = mx.nd, self._drop(self.tokens(tokens))
        new: Memory = []
        bias = places = different = None
        for index, layer in enumerate(self.layers):
            source = F.concat(memory[index], x, dim=1) if memory else x
            if places is None:
                places = self._places(F, x, source)
                bias = causal_bias(F, x, source) if self.config.sight == "uni" else None
                different = differing(F, F.zeros_like(x[:, :, 0]), F.zeros_like(source[:, :, 0]))
            new.append(source[:, -keep:].detach())
            x = layer(x, bias, places, source, different)
        return self._drop(x), new

    def _places(self, F: Any, x: Any, source: Any) -> Any:
        places = relative_positions(F, x, source, units=self.units, longest=self.config.longest)
        return self._drop(places)

    def _finish(self, F: Any, x: Any, valid_length: Any) -> Any:
        return F.SequenceMask(self._drop(x), valid_length, use_sequence_length=True, axis=1)

    def _drop(self, x: Any) -> Any:
        return x if self.dropout is None else self.dropout(x)


def _forbid(F: Any, bias: Any, hidden: Any) -> Any:
    return F.BlockGrad(F.broadcast_add(bias, hidden * FORBIDDEN))


def _others(F: Any, tokens: Any) -> Any:
    """0 where a place meets its own token, else 1: ``(1, 1, T, T)``."""
    steps = F.contrib.arange_like(tokens, axis=1)
    rows, columns = F.reshape(steps, (1, 1, -1, 1)), F.reshape(steps, (1, 1, 1, -1))
    return F.cast(F.broadcast_not_equal(rows, columns), "float32")
