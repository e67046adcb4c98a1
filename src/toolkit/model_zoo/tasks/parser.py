"""Dependency trees on any text encoder: scores of heads and relations of words.

Dozat and Manning, 2017, https://arxiv.org/abs/1611.01734, on the first pieces of words.
"""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dropout

from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.tasks.image_classifier import check_classes
from toolkit.model_zoo.text.heads import PARTS, gather_tokens
from toolkit.nn.biaffine import ArcScores


class Parser(HybridBlock):
    """Scores ``(N, W, W)`` of heads and ``(N, W, classes, W)`` of relations of words.

    The first word of each sentence is the root, for which an encoder's first token may stand. What
    stands beyond the valid length changes nothing. ``toolkit.utils.trees.decode_trees`` makes trees
    of the scores.

    Args:
        encoder: A text encoder.
        classes: Number of relations.
        arc_units: Of a word as a dependent or a head.
        relation_units: The same where the relation is asked for.
        dropout: Rate of units, the same for all words of a sentence.
    """

    optional_parts = PARTS

    def __init__(
        self,
        encoder: HybridBlock,
        classes: int,
        *,
        arc_units: int = 500,
        relation_units: int = 100,
        dropout: float = 0.33,
    ) -> None:
        super().__init__()
        self.classes = check_classes(classes)
        self.encoder = encoder
        self.dropout = Dropout(dropout, axes=(1,))
        self.head = ArcScores(
            encoder.units,
            classes,
            arc_units=arc_units,
            relation_units=relation_units,
            dropout=dropout,
        )

    def hybrid_forward(
        self, F: Any, tokens: Any, segments: Any, valid_length: Any, places: Any
    ) -> tuple[Any, Any]:
        """Maps tokens and segments ``(N, T)``, lengths ``(N,)`` and places ``(N, W)``.

        Places are those of each word's first piece, counted from 1, the root's first; 0 where there
        are no more words.

        Returns:
            Scores of dependents and heads, so low that no softmax sees them where there is no such
            word, and those of dependents, relations and heads.
        """
        x = self.encoder(tokens, segments, valid_length)
        places = F.cast(places, "float32")
        words = self.dropout(gather_tokens(F, x, F.relu(places - 1)))
        arcs, relations = self.head(words, F.sum(places > 0, axis=1))
        return arcs, relations


TASKS.add("parser", Parser)
