"""What writes a text for a text that was read: ``generate`` and the beams take it for a network."""

from __future__ import annotations

from typing import Any

import mxnet as mx


class Writer:
    """Writes on texts that were read.

    Args:
        decoder: The decoder of a network, with ``step``.
        config: The configuration of its encoder: ``start`` and ``end`` are the words around what is
            written; without ``writes_start`` the first of them is never written itself.
        memory: What the encoder made of the texts; its first axis is N.
        valid_length: Their lengths, ``(N,)``.
    """

    def __init__(self, decoder: Any, config: Any, memory: Any, valid_length: mx.nd.NDArray) -> None:
        count = valid_length.shape[0]
        self.beginnings = [[config.start]] * count  # the word before the first of each text
        self.end = config.end  # the word after the last
        self._decoder, self._memory = decoder, (memory, valid_length)
        self._never = None if getattr(config, "writes_start", True) else config.start

    def step(self, words: mx.nd.NDArray, states: Any = None) -> tuple[mx.nd.NDArray, Any]:
        """Scores ``(N, vocab_size)`` of the word after the last of new words ``(N, T)``.

        ``states`` hold what was written before, None at the beginning; the new ones are returned.
        """
        scores, states = self._decoder.step(words, states, *self._memory)
        if self._never is not None:
            scores[:, self._never] = -float("inf")
        return scores, states
