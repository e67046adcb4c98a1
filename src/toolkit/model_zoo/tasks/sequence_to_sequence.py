"""A text for a text: translations, summaries, answers in one's own words."""

from __future__ import annotations

from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock

from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.text.heads import PARTS
from toolkit.model_zoo.writer import Writer


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
        memory = self.encoder(tokens, segments, valid_length)
        return Writer(self.decoder, self.encoder.config, memory, valid_length)


TASKS.add("sequence_to_sequence", SequenceToSequence)
