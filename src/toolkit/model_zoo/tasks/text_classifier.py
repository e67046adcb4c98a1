"""Classes or a number for a text or a pair of texts."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, Dropout

from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.tasks.image_classifier import check_classes
from toolkit.model_zoo.text.heads import PARTS, Pooler


class TextClassifier(HybridBlock):
    """Scores ``(N, classes)``, before softmax, of texts; with one class, a regression.

    Args:
        encoder: A text encoder.
        classes: Number of classes; 1 for a number such as a similarity.
        dropout: Rate on what the pooler gives.
    """

    optional_parts = PARTS

    def __init__(self, encoder: HybridBlock, classes: int, *, dropout: float = 0.1) -> None:
        super().__init__()
        self.classes = check_classes(classes)
        self.encoder = encoder
        self.pooler = Pooler.of(encoder)
        self.dropout = Dropout(dropout)
        self.head = Dense(classes, in_units=encoder.units)

    def hybrid_forward(self, F: Any, tokens: Any, segments: Any, valid_length: Any) -> Any:
        """Maps tokens and segments ``(N, T)`` and lengths ``(N,)`` to ``(N, classes)``."""
        x = self.encoder(tokens, segments, valid_length)
        return self.head(self.dropout(self.pooler(x, valid_length)))


TASKS.add("text_classifier", TextClassifier)
