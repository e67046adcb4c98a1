"""A text for a text: translations, summaries, answers in one's own words."""

from __future__ import annotations

from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock

from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.text.heads import PARTS


class SequenceToSequence(HybridBlock):
    """Scores ``(N, T, vocab_size)``, before softmax, of the word after each word that was written.

    Args:
        encoder: One that has a decoder: ``make_sequence_decoder``.
        classes: Taken because every task takes it; there are none.

    Raises:
        TypeError: the encoder has no decoder.
    """

    optional_parts = tuple(part for part in PARTS if part != "decoder.")

    def __init__(self, encoder: HybridBlock, classes: int = 0) -> None:
        super().__init__()
        if not hasattr(encoder, "make_sequence_decoder"):
            raise TypeError(f"{type(encoder).__name__} has no decoder that writes; T5 has")
        self.encoder = encoder
        self.vocab_size = encoder.vocab_size
        self.decoder = encoder.make_sequence_decoder()

    def hybrid_forward(
        self, F: Any, tokens: Any, segments: Any, valid_length: Any, words: Any
    ) -> Any:
        """Maps tokens and segments ``(N, S)``, lengths ``(N,)`` and the words so far ``(N, T)``.

        These begin with the word ``config.start`` of the encoder; what stands behind a text's last
        word changes nothing before it.
        """
        return self.decoder(words, self.encoder(tokens, segments, valid_length), valid_length)

    def writer(
        self, tokens: mx.nd.NDArray, segments: mx.nd.NDArray, valid_length: mx.nd.NDArray
    ) -> Writer:
        """Reads texts, once, and gives what writes on them; inputs as for a call."""
        return Writer(self, self.encoder(tokens, segments, valid_length), valid_length)


class Writer:
    """Writes on texts that were read: ``generate`` and ``beam_search`` take it for a network.

    Args:
        net: The network.
        memory: What its encoder made of the texts, ``(N, S, units)``.
        valid_length: Their lengths, ``(N,)``.
    """

    def __init__(
        self, net: SequenceToSequence, memory: mx.nd.NDArray, valid_length: mx.nd.NDArray
    ) -> None:
        config = net.encoder.config
        self.beginnings = [[config.start]] * len(memory)  # the word before the first of each text
        self.end = config.end  # the word after the last
        self._decoder, self._memory = net.decoder, (memory, valid_length)

    def step(self, words: mx.nd.NDArray, states: Any = None) -> tuple[mx.nd.NDArray, Any]:
        """Scores ``(N, vocab_size)`` of the word after the last of new words ``(N, T)``.

        ``states`` hold what was written before, None at the beginning; the new ones are returned.
        """
        return self._decoder.step(words, states, *self._memory)


TASKS.add("sequence_to_sequence", SequenceToSequence)
