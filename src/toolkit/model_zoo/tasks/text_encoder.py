"""The encoder alone: features of every token."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock

from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.text.heads import PARTS


class TextEncoder(HybridBlock):
    """Features ``(N, T, units)`` of tokens ``(N, T)``, segments ``(N, T)`` and lengths ``(N,)``.

    Args:
        encoder: Does all the work.
        classes: Taken because every task takes it; there are none.
    """

    optional_parts = PARTS

    def __init__(self, encoder: HybridBlock, classes: int = 0) -> None:
        super().__init__()
        self.encoder = encoder
        self.units = encoder.units
        self.vocab_size = encoder.vocab_size

    def hybrid_forward(self, F: Any, tokens: Any, segments: Any, valid_length: Any) -> Any:
        """Encodes."""
        return self.encoder(tokens, segments, valid_length)


TASKS.add("text_encoder", TextEncoder)
