"""Extractive question answering: where in the text the answer begins and ends."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense

from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.text.heads import PARTS
from toolkit.nn.masks import FORBIDDEN


class QuestionAnswerer(HybridBlock):
    """Scores of every token as the first and as the last of the answer, two arrays ``(N, T)``.

    Tokens beyond the valid length have a score that no softmax sees.

    Args:
        encoder: A text encoder.
        classes: Taken because every task takes it; there are none.
    """

    optional_parts = PARTS

    def __init__(self, encoder: HybridBlock, classes: int = 0) -> None:
        super().__init__()
        self.encoder = encoder
        self.spans = Dense(2, flatten=False, in_units=encoder.units)

    def hybrid_forward(
        self, F: Any, tokens: Any, segments: Any, valid_length: Any
    ) -> tuple[Any, Any]:
        """Maps tokens and segments ``(N, T)`` and lengths ``(N,)`` to scores of starts and ends."""
        scores = self.spans(self.encoder(tokens, segments, valid_length))
        scores = F.SequenceMask(
            scores, valid_length, use_sequence_length=True, value=FORBIDDEN, axis=1
        )
        starts, ends = F.split(scores, num_outputs=2, axis=2, squeeze_axis=True)
        return starts, ends


TASKS.add("question_answerer", QuestionAnswerer)
