"""Texts as bags of vectors, of words or of words and n-grams of words.

With hashed n-grams and a sparse table it is fastText's classifier: Joulin et al., 2016,
https://arxiv.org/abs/1607.01759. No row of the published models: its vocabulary is that of the
texts it is trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, Dropout

from toolkit.nn.text_pool import token_pool
from toolkit.nn.word_vectors import WordVectors


@dataclass(frozen=True)
class BagOfVectorsConfig:
    """What tells one of these networks from another."""

    vocab_size: int  # words, and n-grams where there are some
    classes: int
    mode: str = "rand"  # of word vectors: rand, static, non-static, multichannel
    units: int = 100  # of a word's vector
    pool: str = "mean"  # a name in POOLS
    dropout: float = 0.0  # on the vector of a text
    word_dropout: float = 0.0  # share of words that are left out in training
    sparse: bool = False  # gradients of the rows that were seen only
    subwords: int = 0  # n-grams of characters that have vectors, which are added to words'


class BagOfVectors(HybridBlock):
    """Scores ``(N, classes)``, before softmax, of texts whose order of words does not count.

    What stands beyond the valid length changes nothing.

    Raises:
        ValueError: no such mode, or no such pool.
    """

    def __init__(self, config: BagOfVectorsConfig) -> None:
        super().__init__()
        self.config = config
        self.words = WordVectors(
            config.vocab_size,
            config.units,
            mode=config.mode,
            dropout=config.word_dropout,
            sparse=config.sparse,
            subwords=config.subwords,
        )
        self.pool = token_pool(config.pool, self.words.units)
        self.dropout = Dropout(config.dropout)
        self.head = Dense(config.classes, in_units=self.words.units)

    def hybrid_forward(self, F: Any, tokens: Any, valid_length: Any) -> Any:
        """Maps tokens and lengths ``(N,)``, as ``WordVectors`` has them, to ``(N, classes)``."""
        words = self.words(tokens, valid_length)
        return self.head(self.dropout(self.pool(words, valid_length)))
