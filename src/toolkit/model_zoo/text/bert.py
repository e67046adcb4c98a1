"""BERT and its kin: encoders of one architecture that differ by data.

BERT: Devlin et al., 2018, https://arxiv.org/abs/1810.04805. RoBERTa: Liu et al., 2019,
https://arxiv.org/abs/1907.11692. DistilBERT: Sanh et al., 2019, https://arxiv.org/abs/1910.01108.
ERNIE: Sun et al., 2019, https://arxiv.org/abs/1904.09223. ALBERT: Lan et al., 2019,
https://arxiv.org/abs/1909.11942. ELECTRA: Clark et al., 2020, https://arxiv.org/abs/2003.10555.
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
from toolkit.nn.masks import padding_bias
from toolkit.nn.transformer import FeedForward, TransformerLayer


@dataclass(frozen=True)
class BERTConfig:
    """What tells one encoder of this architecture from another."""

    layers: int = 12
    units: int = 768
    hidden_units: int = 3072  # of the feed-forward networks
    heads: int = 12
    vocab_size: int = 30522
    max_length: int = 512  # rows of the table of positions
    segments: int = 2  # kinds of segments; 0 for a model without
    first_position: int = 0  # row of the first token; RoBERTa's first rows belong to padding
    embedding_units: int | None = None  # of the tables; default those of the layers
    shared: bool = False  # whether all layers are one and the same
    epsilon: float = 1e-12  # of the normalizations
    activation: str = "gelu"
    decoder_activation: str | None = (
        None  # of the masked language model; default that of the layers
    )
    pooler_activation: str = "tanh"  # after the dense layer on the first token, for sentences
    dropout: float = 0.1


_BASE = BERTConfig()
_LARGE = BERTConfig(layers=24, units=1024, hidden_units=4096, heads=16)
_ROBERTA = BERTConfig(vocab_size=50265, segments=0, epsilon=1e-5)
_ALBERT = BERTConfig(
    vocab_size=30000, embedding_units=128, shared=True, activation="gelu_tanh", dropout=0.0
)
_ELECTRA = BERTConfig(embedding_units=128, pooler_activation="gelu")

VARIANTS = {
    "bert_12_768_12": _BASE,
    "bert_24_1024_16": _LARGE,
    "minilm_6_384_12": BERTConfig(layers=6, units=384, hidden_units=1536),
    # Sizes: "ernie-1.0" of PaddleNLP, paddlenlp/transformers/ernie/configuration.py.
    "ernie_12_768_12": BERTConfig(
        vocab_size=18000,
        max_length=513,
        epsilon=1e-5,
        activation="relu",
        decoder_activation="gelu",
    ),
    "roberta_12_768_12": _ROBERTA,
    "roberta_24_1024_16": replace(_ROBERTA, layers=24, units=1024, hidden_units=4096, heads=16),
    "distilbert_6_768_12": BERTConfig(layers=6, segments=0, epsilon=1e-5, pooler_activation="relu"),
    "albert_base": _ALBERT,
    "albert_large": replace(_ALBERT, layers=24, units=1024, hidden_units=4096, heads=16),
    "albert_xlarge": replace(_ALBERT, layers=24, units=2048, hidden_units=8192, heads=16),
    "albert_xxlarge": replace(_ALBERT, units=4096, hidden_units=16384, heads=64),
    "electra_small": replace(_ELECTRA, units=256, hidden_units=1024, heads=4),
    "electra_base": replace(_ELECTRA, embedding_units=768),
    "electra_large": replace(
        _ELECTRA, layers=24, units=1024, hidden_units=4096, heads=16, embedding_units=1024
    ),
}


class Embeddings(HybridBlock):
    """The sum of what a token, its position and its segment are, normalized."""

    def __init__(self, config: BERTConfig) -> None:
        super().__init__()
        units = config.embedding_units or config.units
        self._first = config.first_position
        self.tokens = Embedding(config.vocab_size, units)
        self.positions = self.params.get("positions", shape=(config.max_length, units))
        self.segments = Embedding(config.segments, units) if config.segments else None
        self.norm = LayerNorm(epsilon=config.epsilon, in_channels=units)
        self.dropout = Dropout(config.dropout) if config.dropout else None
        wider = units != config.units
        self.project = Dense(config.units, flatten=False, in_units=units) if wider else None

    def hybrid_forward(self, F: Any, tokens: Any, segments: Any, positions: Any) -> Any:
        """Maps tokens and segments ``(N, T)`` to ``(N, T, units)``."""
        x = self.tokens(tokens)
        if self.segments is not None:
            x = x + self.segments(segments)
        if self._first:
            positions = F.slice_axis(positions, axis=0, begin=self._first, end=None)
        # A slice fails on a text that is longer than the table, where a lookup would go on. Its
        # length is that of the segments, so that no graph lacks this input.
        rows = F.slice_like(positions, F.transpose(segments), axes=(0,))
        x = self.norm(F.broadcast_add(x, F.expand_dims(rows, axis=0)))
        if self.dropout is not None:
            x = self.dropout(x)
        return x if self.project is None else self.project(x)


def _layer(config: BERTConfig) -> TransformerLayer:
    units, dropout = config.units, config.dropout
    norms = (
        LayerNorm(epsilon=config.epsilon, in_channels=units),
        LayerNorm(epsilon=config.epsilon, in_channels=units),
    )
    return TransformerLayer(
        MultiHeadAttention(units, config.heads, dropout=dropout),
        FeedForward(units, config.hidden_units, act=activation(config.activation)),
        norms,
        dropout=dropout,
    )


@BACKBONES.family(VARIANTS)
class BERT(HybridBlock):
    """Maps tokens ``(N, T)``, segments ``(N, T)`` and lengths ``(N,)`` to ``(N, T, units)``.

    What stands beyond the valid length changes nothing, and its results are zero.
    """

    def __init__(self, config: BERTConfig) -> None:
        super().__init__()
        self.config = config
        self.units = config.units
        self.vocab_size = config.vocab_size
        self.embeddings = Embeddings(config)
        distinct = 1 if config.shared else config.layers
        self.layers = sequence(*(_layer(config) for _ in range(distinct)))

    def hybrid_forward(self, F: Any, tokens: Any, segments: Any, valid_length: Any) -> Any:
        """Encodes; a model without segments takes their shape alone."""
        x = self.embeddings(tokens, segments)
        bias = padding_bias(F, tokens, valid_length, self.config.heads)
        for index in range(self.config.layers):
            x = self.layers[0 if self.config.shared else index](x, bias)
        return F.SequenceMask(x, valid_length, use_sequence_length=True, axis=1)
