"""T5, an encoder and a decoder: Raffel et al., 2019, https://arxiv.org/abs/1910.10683.

Version 1.1 has gated feed-forward networks and a last layer of its own:
https://github.com/google-research/text-to-text-transfer-transformer/blob/main/released_checkpoints.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, Dropout, Embedding

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.activation import activation
from toolkit.nn.attention import MultiHeadAttention
from toolkit.nn.containers import sequence
from toolkit.nn.decoder import WritingDecoder
from toolkit.nn.masks import causal_bias, padding_bias
from toolkit.nn.norm import RMSNorm
from toolkit.nn.relative_bias import RelativeBias
from toolkit.nn.transformer import DecoderLayer, FeedForward, GatedFeedForward, TransformerLayer

GATED = "gated_"  # before the name of an activation


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


class T5Decoder(WritingDecoder):
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
        self.prepare()

    def parts(self) -> tuple[HybridBlock | None, ...]:
        """All but the layers."""
        return self.tokens, self.position_bias, self.norm, self.dropout, self.output

    def embed(self, F: Any, words: Any, source: Any) -> Any:
        """Vectors of words; where they stand changes scores alone."""
        return self._drop(self.tokens(words))

    def bias(self, F: Any, words: Any, source: Any, *, alone: bool) -> Any:
        """What distances add to scores."""
        bias = self.position_bias(words, source)
        return bias if alone else F.broadcast_add(bias, causal_bias(F, words, source))

    def score(self, F: Any, x: Any) -> Any:
        """Scores by the table of words, or by a layer of their own."""
        return self.output(self._drop(self.norm(x)) * self.scale)

    def _drop(self, x: Any) -> Any:
        return x if self.dropout is None else self.dropout(x)
