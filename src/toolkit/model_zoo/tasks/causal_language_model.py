"""The next word of a text."""

from __future__ import annotations

from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock

from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.text.heads import PARTS, decoder_of


class CausalLanguageModel(HybridBlock):
    """Scores ``(N, T, vocab_size)``, before softmax, of the word after each token.

    Args:
        encoder: Reads from left to right, and has a table of words and ``step``.
        classes: Taken because every task takes it; there are none.
    """

    optional_parts = PARTS

    def __init__(self, encoder: HybridBlock, classes: int = 0) -> None:
        super().__init__()
        self.encoder = encoder
        self.vocab_size = encoder.vocab_size
        self.decoder = decoder_of(encoder)

    def hybrid_forward(self, F: Any, tokens: Any, segments: Any, valid_length: Any) -> Any:
        """Maps tokens and segments ``(N, T)`` and lengths ``(N,)``."""
        return self.decoder(self.encoder(tokens, segments, valid_length))

    def step(self, tokens: mx.nd.NDArray, states: Any = None) -> tuple[mx.nd.NDArray, Any]:
        """Scores ``(N, vocab_size)`` of the word after the last of new tokens ``(N, T)``.

        ``states`` hold what was read before, None at the beginning; the new ones are returned.
        """
        x, states = self.encoder.step(tokens, states)
        return self.decoder(x[:, -1]), states

    def read(self, tokens: mx.nd.NDArray, states: Any = None) -> tuple[mx.nd.NDArray, Any]:
        """The same after each of the new tokens: scores ``(N, T, vocab_size)`` and states."""
        x, states = self.encoder.step(tokens, states)
        return self.decoder(x), states


TASKS.add("causal_language_model", CausalLanguageModel)
