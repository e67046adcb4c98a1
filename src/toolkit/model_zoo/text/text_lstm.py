"""Sentiment by a bidirectional LSTM whose states are pooled.

As in GluonNLP's sentiment network, with attention (Yang et al., 2016, N16-1174) as an option.
No row of the published models: its vocabulary is that of the texts it is trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, Dropout

from toolkit.nn.lstm import BidirectionalLSTM
from toolkit.nn.text_pool import token_pool
from toolkit.nn.word_vectors import WordVectors


@dataclass(frozen=True)
class TextLSTMConfig:
    """What tells one of these networks from another."""

    vocab_size: int
    classes: int
    mode: str = "rand"  # of word vectors: rand, static, non-static, multichannel
    units: int = 300  # of a word's vector
    hidden: int = 100  # of each direction
    layers: int = 1
    pool: str = "mean"  # a name in POOLS
    dropout: float = 0.5  # between layers and on the features of a text
    word_dropout: float = 0.0  # share of words that are left out in training
    subwords: int = 0  # n-grams of characters that have vectors, which are added to words'


class TextLSTM(HybridBlock):
    """Scores ``(N, classes)``, before softmax, of texts of any length from 1 on.

    What stands beyond the valid length changes nothing.

    Raises:
        ValueError: no such mode, or no such pool.
    """

    def __init__(self, config: TextLSTMConfig) -> None:
        super().__init__()
        self.config = config
        self.words = WordVectors(
            config.vocab_size,
            config.units,
            mode=config.mode,
            dropout=config.word_dropout,
            subwords=config.subwords,
        )
        self.encoder = BidirectionalLSTM(
            self.words.units, config.hidden, layers=config.layers, dropout=config.dropout
        )
        self.pool = token_pool(config.pool, self.encoder.units)
        self.dropout = Dropout(config.dropout)
        self.head = Dense(config.classes, in_units=self.encoder.units)

    def hybrid_forward(self, F: Any, tokens: Any, valid_length: Any) -> Any:
        """Maps tokens and lengths ``(N,)``, as ``WordVectors`` has them, to ``(N, classes)``."""
        x = self.encoder(self.words(tokens, valid_length), valid_length)
        return self.head(self.dropout(self.pool(x, valid_length)))
