"""What somebody wants, and the words that say the details, of one sentence."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, Dropout

from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.tasks.image_classifier import check_classes
from toolkit.model_zoo.text.heads import PARTS, Pooler


class IntentSlots(HybridBlock):
    """Scores of intents ``(N, classes)`` and of each token's slots ``(N, T, slots)``.

    Chen et al., 2019, https://arxiv.org/abs/1902.10909.

    Args:
        encoder: A text encoder.
        classes: Number of intents.
        slots: Number of tags of tokens.
        dropout: Rate before both heads.
    """

    optional_parts = PARTS

    def __init__(
        self, encoder: HybridBlock, classes: int, *, slots: int = 2, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.classes = check_classes(classes)
        self.encoder = encoder
        self.pooler = Pooler.of(encoder)
        self.dropout = Dropout(dropout)
        self.head = Dense(classes, in_units=encoder.units)
        self.slots = Dense(check_classes(slots), flatten=False, in_units=encoder.units)

    def hybrid_forward(
        self, F: Any, tokens: Any, segments: Any, valid_length: Any
    ) -> tuple[Any, Any]:
        """Maps tokens and segments ``(N, T)`` and lengths ``(N,)``."""
        x = self.encoder(tokens, segments, valid_length)
        return self.head(self.dropout(self.pooler(x, valid_length))), self.slots(self.dropout(x))


TASKS.add("intent_slots", IntentSlots)
