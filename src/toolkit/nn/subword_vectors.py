"""Vectors of words by their n-grams of characters: Bojanowski et al., 2016, 1607.04606."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Embedding


class SubwordVectors(HybridBlock):
    """The sum of the vectors of a word's n-grams over the root of their number; zero without any.

    Words that training has not seen have a vector by those of their n-grams that it has.

    Args:
        buckets: Of n-grams, such as ``NGramHashes`` counts.
        units: Of a word.
        sparse: Gradients have the rows of the n-grams that were seen only.
    """

    def __init__(self, buckets: int, units: int, *, sparse: bool = False) -> None:
        super().__init__()
        self.table = Embedding(buckets, units, sparse_grad=sparse)
        self.units = units

    def hybrid_forward(self, F: Any, ngrams: Any) -> Any:
        """Maps n-grams ``(N, T, K)``, float32, negative where there is none, to ``(N, T, U)``."""
        flat = F.reshape(ngrams, (-3, 0))
        there = flat >= 0
        count = F.maximum(F.sum(there, axis=1, keepdims=True), 1)
        weights = F.expand_dims(F.broadcast_div(there, F.sqrt(count)), axis=1)
        total = F.batch_dot(weights, self.table(F.relu(flat)))
        return F.reshape_like(total, ngrams, lhs_begin=0, lhs_end=2, rhs_begin=0, rhs_end=2)
