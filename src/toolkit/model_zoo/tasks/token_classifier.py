"""A class for every token: names, parts of speech, slots."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, Dropout

from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.tasks.image_classifier import check_classes
from toolkit.model_zoo.text.heads import PARTS


class TokenClassifier(HybridBlock):
    """Scores ``(N, T, classes)``, before softmax.

    Args:
        encoder: A text encoder.
        classes: Number of classes.
        dropout: Rate on the features.
    """

    optional_parts = PARTS

    def __init__(self, encoder: HybridBlock, classes: int, *, dropout: float = 0.1) -> None:
        super().__init__()
        self.classes = check_classes(classes)
        self.encoder = encoder
        self.dropout = Dropout(dropout)
        self.head = Dense(classes, flatten=False, in_units=encoder.units)

    def hybrid_forward(self, F: Any, tokens: Any, segments: Any, valid_length: Any) -> Any:
        """Maps tokens and segments ``(N, T)`` and lengths ``(N,)`` to ``(N, T, classes)``."""
        return self.head(self.dropout(self.encoder(tokens, segments, valid_length)))


TASKS.add("token_classifier", TokenClassifier)
