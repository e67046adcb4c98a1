"""Scores of pairs of words: Dozat and Manning, 2017, https://arxiv.org/abs/1611.01734."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, Dropout, LeakyReLU

from toolkit.nn.containers import sequence
from toolkit.nn.masks import padding_bias


class Biaffine(HybridBlock):
    """Scores ``x W y + b y`` of every x with every y, and what else one of them says alone.

    Args:
        units: Of both.
        outputs: Scores of a pair.
        both: Whether x has a say of its own, too, and there is a constant: ``+ c x + d``. Where a
            softmax goes over y, these change nothing.
    """

    def __init__(self, units: int, outputs: int = 1, *, both: bool = False) -> None:
        super().__init__()
        self._outputs, self._both = outputs, both
        width = units + 1 if both else units
        self.transform = Dense(outputs * width, flatten=False, in_units=units)
        self._width = width

    def hybrid_forward(self, F: Any, x: Any, y: Any) -> Any:
        """Maps ``(N, X, units)`` and ``(N, Y, units)`` to ``(N, X, outputs, Y)``."""
        if self._both:
            ones = F.ones_like(F.slice_axis(y, axis=2, begin=0, end=1))
            y = F.concat(y, ones, dim=2)
        asked = F.reshape(self.transform(x), (0, -1, self._width))
        scores = F.batch_dot(asked, y, transpose_b=True)
        return F.reshape(scores, (0, -4, -1, self._outputs, 0))


class ArcScores(HybridBlock):
    """Scores of every word as the head of every other, and of what the one is to the other.

    The first token of a sentence is the root: it heads, and its own heads mean nothing.

    Args:
        units: Of a word.
        relations: Number of relations.
        arc_units: Of a word as a dependent or a head.
        relation_units: The same where the relation is asked for.
        dropout: Rate of units that are left out in training, the same of all words of a sentence.
    """

    def __init__(
        self,
        units: int,
        relations: int,
        *,
        arc_units: int = 500,
        relation_units: int = 100,
        dropout: float = 0.33,
    ) -> None:
        super().__init__()
        self.arc_dependent = _view(units, arc_units, dropout)
        self.arc_head = _view(units, arc_units, dropout)
        self.relation_dependent = _view(units, relation_units, dropout)
        self.relation_head = _view(units, relation_units, dropout)
        self.arcs = Biaffine(arc_units)
        self.relations = Biaffine(relation_units, relations, both=True)

    def hybrid_forward(self, F: Any, x: Any, valid_length: Any) -> tuple[Any, Any]:
        """Scores words ``(N, T, units)`` of sentences of lengths ``(N,)``, the root included.

        Returns:
            Scores ``(N, T, T)`` of dependents and heads, so low that no softmax sees them where a
            head is beyond the length, and ``(N, T, relations, T)`` of dependents, relations, heads.
        """
        x = F.SequenceMask(x, valid_length, use_sequence_length=True, axis=1)
        arcs = self.arcs(self.arc_dependent(x), self.arc_head(x))
        beyond = padding_bias(F, x, valid_length, 1)
        arcs = F.reshape(arcs, (0, -3, 0)) + F.reshape(beyond, (0, -3, 0))
        return arcs, self.relations(self.relation_dependent(x), self.relation_head(x))


def _view(units: int, outputs: int, dropout: float) -> HybridBlock:
    """What of a word matters to one question."""
    dense = Dense(outputs, flatten=False, in_units=units)
    return sequence(dense, LeakyReLU(0.1), Dropout(dropout, axes=(1,)))
