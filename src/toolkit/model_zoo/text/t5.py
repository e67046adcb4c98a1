"""T5, an encoder and a decoder: Raffel et al., 2019, https://arxiv.org/abs/1910.10683.

Version 1.1 has gated feed-forward networks and a last layer of its own:
https://github.com/google-research/text-to-text-transfer-transformer/blob/main/released_checkpoints.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, Dropout, Embedding

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.activation import activation
from toolkit.nn.attention import MultiHeadAttention
from toolkit.nn.containers import sequence
from toolkit.nn.masks import causal_bias, padding_bias
from toolkit.nn.norm import RMSNorm
from toolkit.nn.relative_bias import RelativeBias
from toolkit.nn.transformer import DecoderLayer, FeedForward, GatedFeedForward, TransformerLayer

GATED = "gated_"  # before the name of an activation
# Keys and values of the words so far and of the memory, for each layer; last the memory's bias.
States = list[tuple[mx.nd.NDArray, ...]]


@dataclass(frozen=True)
class T5Config:
    """What tells one T5 from another."""

    layers: int = 6  # of the encoder
    decoder_layers: int | None = None  # default as many
    units: int = 512
    heads: int = 8
    head_units: int = 64  # of each; together they need not be the units
    hidden_units: int = 2048  # of the feed-forward networks
    vocab_size: int = 32128  # more than the 32100 of its tokenizer
    buckets: int = 32  # of distances
    longest: int = 128  # the distance from which all are alike
    activation: str = "relu"  # of the feed-forward networks, "gated_gelu_tanh" in version 1.1
    tied: bool = True  # whether the table of words, scaled, is the last layer, too
    start: int = 0  # the word before the first one that is written,
    end: int = 1  # and the one after the last
    epsilon: float = 1e-6  # of the normalizations
    pooler_activation: str = "tanh"
    dropout: float = 0.1


_SMALL = T5Config()
_LARGE = replace(_SMALL, layers=24, units=1024, heads=16, hidden_units=4096)
_HUGE = replace(_LARGE, head_units=128)
_V1_1 = replace(
    _SMALL, layers=8, heads=6, hidden_units=1024, activation="gated_gelu_tanh", tied=False
)
_V1_1_LARGE = replace(_V1_1, layers=24, units=1024, heads=16, hidden_units=2816)

VARIANTS = {
    "t5_small": _SMALL,
    "t5_base": replace(_SMALL, layers=12, units=768, heads=12, hidden_units=3072),
    "t5_large": _LARGE,
    "t5_3b": replace(_HUGE, heads=32, hidden_units=16384),
    "t5_11b": replace(_HUGE, heads=128, hidden_units=65536),
    "t5_v1_1_small": _V1_1,
    "t5_v1_1_base": replace(_V1_1, layers=12, units=768, heads=12, hidden_units=2048),
    "t5_v1_1_large": _V1_1_LARGE,
    "t5_v1_1_xl": replace(_V1_1_LARGE, units=2048, heads=32, hidden_units=5120),
    "t5_v1_1_xxl": replace(_V1_1_LARGE, units=4096, heads=64, hidden_units=10240),
}


def _attention(config: T5Config) -> MultiHeadAttention:
    return MultiHeadAttention(
        config.units,
        config.heads,
        head_units=config.head_units,
        dropout=config.dropout,
        use_bias=False,
        scaled=False,
    )


def _feed_forward(config: T5Config) -> HybridBlock:
    kind = GatedFeedForward if config.activation.startswith(GATED) else FeedForward
    return kind(
        config.units,
        config.hidden_units,
        act=activation(config.activation.removeprefix(GATED)),
        dropout=config.dropout,
        use_bias=False,
    )


def _norm(config: T5Config) -> RMSNorm:
    return RMSNorm(config.units, epsilon=config.epsilon)


def _encoder_layer(config: T5Config) -> TransformerLayer:
    return TransformerLayer(
        _attention(config),
        _feed_forward(config),
        (_norm(config), _norm(config)),
        dropout=config.dropout,
        norm_first=True,
    )


def _decoder_layer(config: T5Config) -> DecoderLayer:
    return DecoderLayer(
        _attention(config),
        _attention(config),
        _feed_forward(config),
        (_norm(config), _norm(config), _norm(config)),
        dropout=config.dropout,
    )


def _bias(config: T5Config, **options: bool) -> RelativeBias:
    return RelativeBias(config.heads, buckets=config.buckets, longest=config.longest, **options)


@BACKBONES.family(VARIANTS)
class T5(HybridBlock):
    """The encoder: maps tokens, segments ``(N, T)`` and lengths ``(N,)`` to ``(N, T, units)``.

    What stands beyond the valid length changes nothing, and its results are zero. Segments are
    taken as every encoder takes them, but T5 knows none. The token that sums up a text is its end.
    """

    ends_with_summary = True

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.config = config
        self.units = config.units
        self.vocab_size = config.vocab_size
        self.tokens = Embedding(config.vocab_size, config.units)
        self.position_bias = _bias(config)
        self.layers = sequence(*(_encoder_layer(config) for _ in range(config.layers)))
        self.norm = _norm(config)
        self.dropout = Dropout(config.dropout) if config.dropout else None

    def make_sequence_decoder(self) -> HybridBlock:
        """The decoder, which shares the table of words."""
        return T5Decoder(self.config, self.tokens)

    def hybrid_forward(self, F: Any, tokens: Any, segments: Any, valid_length: Any) -> Any:
        """Encodes."""
        x = self._drop(self.tokens(tokens))
        padding = padding_bias(F, tokens, valid_length, self.config.heads)
        # By the shape of the segments, so that no graph lacks this input.
        bias = F.broadcast_add(padding, self.position_bias(segments, segments))
        for layer in self.layers:
            x = layer(x, bias)
        x = self._drop(self.norm(x))
        return F.SequenceMask(x, valid_length, use_sequence_length=True, axis=1)

    def _drop(self, x: Any) -> Any:
        return x if self.dropout is None else self.dropout(x)


class NextWord(HybridBlock):
    """One more word ``(N, 1)`` of texts that were begun: a single graph for every length.

    Args:
        decoder: Whose parts these are; they keep their parameters.
    """

    def __init__(self, decoder: T5Decoder) -> None:
        super().__init__()
        self._scale = decoder.scale
        self.tokens, self.position_bias = decoder.tokens, decoder.position_bias
        self.norm, self.output = decoder.norm, decoder.output
        self._steps = [layer.step for layer in decoder.layers]
        for layer in decoder.layers:
            for part in layer.parts_of_step():
                self.register_child(part)
        self.hybridize()

    def hybrid_forward(self, F: Any, words: Any, *states: Any) -> list[Any]:
        """Scores ``(N, 1, vocab_size)``, then each layer's keys and values of the words so far.

        ``states`` are keys and values of earlier words and of the memory, layer by layer, then the
        memory's bias.
        """
        past = [states[place : place + 4] for place in range(0, len(states) - 1, 4)]
        return self.read(F, words, past, states[-1], alone=True)

    def read(
        self, F: Any, words: Any, past: Sequence[Any], memory_bias: Any, *, alone: bool
    ) -> list[Any]:
        """The same of any number of words, of which only one that is alone sees all the others."""
        source = words if past[0][0] is None else _so_far(F, past[0][0], words)
        bias = self.position_bias(words, source)
        if not alone:
            bias = F.broadcast_add(bias, causal_bias(F, words, source))
        x, new = self.tokens(words), []
        for step, (key, value, *memory) in zip(self._steps, past, strict=True):
            pair = None if key is None else (key, value)
            x, pair = step(x, bias, pair, (*memory, memory_bias), F)
            new += pair
        last = F.slice_axis(x, axis=1, begin=-1, end=None)
        return [self.output(self.norm(last) * self._scale), *new]


class T5Decoder(HybridBlock):
    """Scores of the word after each word, given what the encoder made of a text.

    Args:
        config: That of the encoder.
        tokens: The encoder's table of words.
    """

    def __init__(self, config: T5Config, tokens: HybridBlock) -> None:
        super().__init__()
        self.heads = config.heads
        self.scale = config.units**-0.5 if config.tied else 1.0  # of the last features
        self.tokens = tokens
        self.position_bias = _bias(config, backward_only=True)
        count = config.layers if config.decoder_layers is None else config.decoder_layers
        self.layers = sequence(*(_decoder_layer(config) for _ in range(count)))
        self.norm = _norm(config)
        self.dropout = Dropout(config.dropout) if config.dropout else None
        shared = {"params": tokens.collect_params()} if config.tied else {}
        self.output = Dense(
            config.vocab_size, flatten=False, use_bias=False, in_units=config.units, **shared
        )
        reader = NextWord(self)
        # Functions, not a child: its parameters are not this network's a second time.
        self._read_one = partial(reader)  # type: ignore[misc]
        self._read_some = reader.read

    def hybrid_forward(self, F: Any, words: Any, memory: Any, valid_length: Any) -> Any:
        """Maps words ``(N, T)`` to scores ``(N, T, vocab_size)``, before softmax.

        ``memory`` ``(N, S, units)`` is the encoder's result, ``valid_length`` ``(N,)`` its lengths.
        """
        bias = F.broadcast_add(self.position_bias(words, words), causal_bias(F, words))
        # In full shape, once for all layers: equal shapes are added several times faster.
        bias = F.broadcast_like(bias, memory, lhs_axes=(0,), rhs_axes=(0,))
        memory_bias = padding_bias(F, memory, valid_length, self.heads, queries=words)
        x = self._drop(self.tokens(words))
        for layer in self.layers:
            x = layer(x, bias, memory, memory_bias)
        return self.output(self._drop(self.norm(x)) * self.scale)

    def step(
        self,
        words: mx.nd.NDArray,
        states: States | None,
        memory: mx.nd.NDArray,
        valid_length: mx.nd.NDArray,
    ) -> tuple[mx.nd.NDArray, States]:
        """Scores ``(N, vocab_size)`` of the word after the last of new words ``(N, T)``.

        ``states`` hold the words that were read before and all of the memory; None at the
        beginning, which alone looks at the memory itself.
        """
        if states is None:
            blocks = [layer.cross_attention for layer in self.layers]
            past: States = [(None, None, *block.remember(mx.nd, memory)) for block in blocks]
            memory_bias = padding_bias(mx.nd, memory, valid_length, 1, queries=words[:, :1])
        else:
            past, (memory_bias,) = states[:-1], states[-1]
        if states and words.shape[1] == 1:
            scores, *new = self._read_one(words, *(a for state in past for a in state), memory_bias)
        else:
            alone = words.shape[1] == 1
            scores, *new = self._read_some(mx.nd, words, past, memory_bias, alone=alone)
        pairs = zip(new[::2], new[1::2], past, strict=True)
        return scores[:, 0], [*((k, v, *old[2:]) for k, v, old in pairs), (memory_bias,)]

    def _drop(self, x: Any) -> Any:
        return x if self.dropout is None else self.dropout(x)


def _so_far(F: Any, key: Any, words: Any) -> Any:
    """An array ``(N, S)`` for its length, that of earlier words' keys and of new words together."""
    for axis in (1, 3):
        key = F.slice_axis(key, axis=axis, begin=0, end=1)
    return F.concat(F.reshape(key, (0, -1)), F.cast(words, "float32"), dim=1)
