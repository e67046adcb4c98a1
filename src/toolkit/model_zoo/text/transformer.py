"""The Transformer for translation: Vaswani et al., 2017, https://arxiv.org/abs/1706.03762.

As GluonNLP published it, and as Marian trains it, whose models OPUS-MT are: Junczys-Dowmunt et
al., 2018, https://arxiv.org/abs/1804.00344.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, Dropout, Embedding, LayerNorm

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.activation import activation
from toolkit.nn.attention import MultiHeadAttention
from toolkit.nn.containers import sequence
from toolkit.nn.decoder import WritingDecoder
from toolkit.nn.masks import causal_bias, padding_bias
from toolkit.nn.positions import SinusoidalPositions
from toolkit.nn.transformer import DecoderLayer, FeedForward, TransformerLayer


@dataclass(frozen=True)
class TransformerConfig:
    """What tells one Transformer from another."""

    layers: int = 6  # of the encoder
    decoder_layers: int | None = None  # default as many
    units: int = 512
    heads: int = 8
    hidden_units: int = 2048  # of the feed-forward networks
    vocab_size: int = 36794  # of WMT 2014, both languages
    target_vocab_size: int | None = None  # where the target has words of its own
    tied: bool = True  # whether the target's table of words is the last layer, too
    activation: str = "relu"  # of the feed-forward networks
    use_bias: bool = False  # in attention
    positions: str = "columns"  # which units get which wave
    scaled: bool = True  # whether vectors of words are multiplied by the root of the units
    norm_words: bool = True  # whether vectors of words are normalized
    start: int = 2  # the word before the first one that is written,
    end: int = 3  # and the one after the last
    writes_start: bool = True  # whether it may be written, too
    epsilon: float = 1e-5  # of the normalizations
    pooler_activation: str = "tanh"
    dropout: float = 0.1
    attention_dropout: float = 0.1
    activation_dropout: float = 0.0  # of the feed-forward networks

    @property
    def words(self) -> int:
        """Words of the target."""
        return self.vocab_size if self.target_vocab_size is None else self.target_vocab_size


_MARIAN = TransformerConfig(
    vocab_size=58101,
    activation="swish",
    use_bias=True,
    positions="halves",
    norm_words=False,
    start=58100,  # which is the padding, too
    end=0,
    writes_start=False,
    attention_dropout=0.0,
)

VARIANTS = {
    "transformer_en_de_512": TransformerConfig(),
    "marian_6_512_8": _MARIAN,
    "marian_6_1024_16": replace(_MARIAN, units=1024, heads=16, hidden_units=4096),
}


def _attention(config: TransformerConfig) -> MultiHeadAttention:
    return MultiHeadAttention(
        config.units, config.heads, dropout=config.attention_dropout, use_bias=config.use_bias
    )


def _feed_forward(config: TransformerConfig) -> FeedForward:
    return FeedForward(
        config.units,
        config.hidden_units,
        act=activation(config.activation),
        dropout=config.activation_dropout,
    )


def _norm(config: TransformerConfig) -> LayerNorm:
    return LayerNorm(epsilon=config.epsilon, in_channels=config.units)


def _encoder_layer(config: TransformerConfig) -> TransformerLayer:
    return TransformerLayer(
        _attention(config),
        _feed_forward(config),
        (_norm(config), _norm(config)),
        dropout=config.dropout,
    )


def _decoder_layer(config: TransformerConfig) -> DecoderLayer:
    return DecoderLayer(
        _attention(config),
        _attention(config),
        _feed_forward(config),
        (_norm(config), _norm(config), _norm(config)),
        dropout=config.dropout,
        norm_first=False,
    )


class PlacedWords(HybridBlock):
    """What a text becomes before the first layer: vectors of words, and where they stand.

    Args:
        config: The network's.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self._scale = config.units**0.5 if config.scaled else 1.0
        self.positions = SinusoidalPositions(config.units, layout=config.positions)
        self.dropout = Dropout(config.dropout) if config.dropout else None
        self.norm = _norm(config) if config.norm_words else None

    def hybrid_forward(self, F: Any, x: Any, source: Any) -> Any:
        """Maps ``(N, T, units)``, which are the last T of a ``source`` ``(N, S)``, to the same."""
        x = self.positions(x * self._scale, source)
        x = x if self.dropout is None else self.dropout(x)
        return x if self.norm is None else self.norm(x)


@BACKBONES.family(VARIANTS)
class Transformer(HybridBlock):
    """The encoder: maps tokens, segments ``(N, T)`` and lengths ``(N,)`` to ``(N, T, units)``.

    What stands beyond the valid length changes nothing, and its results are zero. Segments are
    taken as every encoder takes them, but nothing depends on them. The token that sums up a text is
    its end.
    """

    ends_with_summary = True

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.units = config.units
        self.vocab_size = config.vocab_size
        self.tokens = Embedding(config.vocab_size, config.units)
        self.placed = PlacedWords(config)
        self.layers = sequence(*(_encoder_layer(config) for _ in range(config.layers)))

    def make_sequence_decoder(self) -> HybridBlock:
        """The decoder, which shares the table of words if both languages have the same."""
        return TransformerDecoder(self.config, self.tokens)

    def hybrid_forward(self, F: Any, tokens: Any, segments: Any, valid_length: Any) -> Any:
        """Encodes."""
        # By the shape of the segments, so that no graph lacks this input.
        x = self.placed(self.tokens(tokens), segments)
        bias = padding_bias(F, tokens, valid_length, self.config.heads)
        for layer in self.layers:
            x = layer(x, bias)
        return F.SequenceMask(x, valid_length, use_sequence_length=True, axis=1)


class TransformerDecoder(WritingDecoder):
    """Scores of the word after each word, given what the encoder made of a text.

    Args:
        config: That of the encoder.
        tokens: The encoder's table of words.
    """

    def __init__(self, config: TransformerConfig, tokens: HybridBlock) -> None:
        super().__init__()
        self.heads = config.heads
        apart = config.target_vocab_size is not None
        self.tokens = Embedding(config.words, config.units) if apart else tokens
        self.placed = PlacedWords(config)
        count = config.layers if config.decoder_layers is None else config.decoder_layers
        self.layers = sequence(*(_decoder_layer(config) for _ in range(count)))
        shared = {"params": self.tokens.collect_params()} if config.tied else {}
        self.output = Dense(config.words, flatten=False, in_units=config.units, **shared)
        self.prepare()

    def parts(self) -> tuple[HybridBlock | None, ...]:
        """All but the layers."""
        return self.tokens, self.placed, self.output

    def embed(self, F: Any, words: Any, source: Any) -> Any:
        """Vectors of words, and where they stand."""
        return self.placed(self.tokens(words), source)

    def bias(self, F: Any, words: Any, source: Any, *, alone: bool) -> Any:
        """Later words are not seen."""
        if alone:
            return None
        return F.broadcast_axis(causal_bias(F, words, source), axis=1, size=self.heads)

    def score(self, F: Any, x: Any) -> Any:
        """Scores by the table of words, or by a layer of their own."""
        return self.output(x)
