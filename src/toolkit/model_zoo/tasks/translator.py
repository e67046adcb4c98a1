"""Translation: the words of one language for those of another."""

from __future__ import annotations

from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock

from toolkit.model_zoo.batch_beam import LengthPenalty, batch_beam_search
from toolkit.model_zoo.generation import generate
from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.text.heads import PARTS
from toolkit.model_zoo.writer import Writer


class Translator(HybridBlock):
    """Scores ``(N, T, words)``, before softmax, of the word after each word of a translation.

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
            raise TypeError(
                f"{type(encoder).__name__} has no decoder that writes; Transformer and T5 have"
            )
        self.encoder = encoder
        self.vocab_size = encoder.vocab_size
        self.decoder = encoder.make_sequence_decoder()

    def hybrid_forward(self, F: Any, tokens: Any, valid_length: Any, words: Any) -> Any:
        """Maps sources ``(N, S)``, their lengths ``(N,)`` and translations so far ``(N, T)``.

        Sources end with ``config.end`` of the encoder, translations begin with ``config.start``;
        what stands behind the last word of either changes nothing before it.
        """
        memory = self._reader(tokens, F.zeros_like(tokens), valid_length)
        return self.decoder(words, memory, valid_length)

    @property
    def _reader(self) -> HybridBlock:
        """What reads for the decoder, which may want more of it than features of tokens."""
        return getattr(self.encoder, "reader", self.encoder)

    def writer(self, tokens: mx.nd.NDArray, valid_length: mx.nd.NDArray) -> Writer:
        """Reads sources, once, and gives what writes their translations; inputs as for a call."""
        memory = self._reader(tokens, mx.nd.zeros_like(tokens), valid_length)
        return Writer(self.decoder, self.encoder.config, memory, valid_length)

    def translate(
        self,
        tokens: mx.nd.NDArray,
        valid_length: mx.nd.NDArray,
        *,
        width: int = 1,
        max_tokens: int = 64,
        penalty: LengthPenalty | None = None,
    ) -> list[list[int]]:
        """The ids of translations, without the words around them.

        Args:
            tokens: Sources ``(N, S)``.
            valid_length: Their lengths ``(N,)``.
            width: Of the beam; 1 takes the likeliest word each time.
            max_tokens: Most words of a translation.
            penalty: Of lengths, in a beam; default ``LengthPenalty()``.
        """
        writer = self.writer(tokens, valid_length)
        options: dict[str, Any] = {"max_tokens": max_tokens, "end": writer.end}
        if width == 1:
            rows = generate(writer, writer.beginnings, **options).tolist()
        else:
            beams = batch_beam_search(
                writer, writer.beginnings, width=width, penalty=penalty, **options
            )
            rows = [list(beam[0].tokens) for beam in beams]
        return [row[: row.index(writer.end)] if writer.end in row else row for row in rows]


TASKS.add("translator", Translator)
