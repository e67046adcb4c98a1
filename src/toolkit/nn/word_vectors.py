"""Vectors of words: learned, published, or both side by side (Kim, 2014, 1408.5882)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dropout, Embedding

from toolkit.nn.containers import sequence
from toolkit.nn.subword_vectors import SubwordVectors
from toolkit.utils.registry import unknown

# Of each mode, one entry a table of words: whether training changes it.
MODES: Mapping[str, tuple[bool, ...]] = MappingProxyType(
    {
        "rand": (True,),  # nothing is known of words before training
        "static": (False,),  # published vectors, kept
        "non-static": (True,),  # published vectors, tuned
        "multichannel": (False, True),  # both, side by side
    }
)


class WordVectors(HybridBlock):
    """Looks words up in one or two tables; zero beyond the length of a text.

    With ``subwords`` each word comes with the n-grams of its characters, whose vectors are added
    to what the tables have.

    Args:
        vocab_size: Number of words.
        units: Of a word in one table.
        mode: One of ``MODES``.
        dropout: Share of words that are left out in training.
        sparse: Gradients have the rows of the words that were seen only, which large tables
            need; MXNet's optimizers take them (``sgd``, ``adagrad``), AdamW does not.
        subwords: Number of n-grams that have vectors.

    Raises:
        ValueError: no such mode.
    """

    def __init__(
        self,
        vocab_size: int,
        units: int,
        *,
        mode: str = "rand",
        dropout: float = 0.0,
        sparse: bool = False,
        subwords: int = 0,
    ) -> None:
        super().__init__()
        if mode not in MODES:
            raise ValueError(unknown("mode", mode, MODES))
        trained = MODES[mode]
        self.tables = sequence(*(Embedding(vocab_size, units, sparse_grad=sparse) for _ in trained))
        for table, changes in zip(self.tables, trained, strict=True):
            table.weight.grad_req = "write" if changes else "null"
        self.dropout = Dropout(dropout, axes=(2,)) if dropout else None
        self.units = units * len(trained)  # of what comes out
        self.subwords = SubwordVectors(subwords, self.units, sparse=sparse) if subwords else None
        self._shape = (vocab_size, units)

    def set_vectors(self, vectors: np.ndarray) -> None:
        """Puts ``(vocab_size, units)`` vectors into every table of an initialized network.

        Raises:
            ValueError: vectors of another shape.
        """
        if vectors.shape != self._shape:
            raise ValueError(f"vectors must be {self._shape}, got {vectors.shape}")
        for table in self.tables:
            table.weight.set_data(mx.nd.array(vectors))

    def set_known_vectors(self, words: Sequence[str], table: Any) -> None:
        """Puts the vectors of those words that a table has into every table of words.

        The others keep what they have in the first one.

        Args:
            words: All, in order of their numbers.
            table: Such as ``load_embedding`` reads: ``word in table``, ``table[words]``.

        Raises:
            ValueError: another number of words, or vectors of another size.
        """
        vectors = self.tables[0].weight.data().asnumpy()
        known = [number for number, word in enumerate(words) if word in table]
        found = np.asarray(table[[words[number] for number in known]]) if known else vectors[:0]
        if len(words) != len(vectors) or found.shape[1:] != vectors.shape[1:]:
            raise ValueError(
                f"{self._shape[0]} words of {self._shape[1]} units, got {len(words)} words and "
                f"vectors {found.shape}"
            )
        vectors[known] = found
        self.set_vectors(vectors)

    def hybrid_forward(self, F: Any, tokens: Any, valid_length: Any) -> Any:
        """Maps tokens and lengths ``(N,)``, float32, to ``(N, T, self.units)``.

        Tokens are ``(N, T)``, or ``(N, T, 1 + K)`` with subwords: a word, then its n-grams, with
        negative numbers where there are none.
        """
        if self.subwords is None:
            x = self._look_up(F, tokens)
        else:
            words = F.reshape(F.slice_axis(tokens, axis=2, begin=0, end=1), (0, 0))
            ngrams = F.slice_axis(tokens, axis=2, begin=1, end=None)
            x = self._look_up(F, F.relu(words)) + self.subwords(ngrams)
        if self.dropout is not None:
            x = self.dropout(x)
        return F.SequenceMask(x, valid_length, use_sequence_length=True, axis=1)

    def _look_up(self, F: Any, tokens: Any) -> Any:
        words = [table(tokens) for table in self.tables]
        return F.concat(*words, dim=2) if len(words) > 1 else words[0]
