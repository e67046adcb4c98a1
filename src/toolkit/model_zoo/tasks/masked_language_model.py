"""Words in place of masks, and BERT's pretraining task, which adds the next sentence."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense

from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.text.heads import PARTS, Pooler, VocabularyDecoder, gather_tokens


class MaskedLanguageModel(HybridBlock):
    """Scores ``(N, P, vocab_size)``, before softmax, of the words at P positions of each row.

    Args:
        encoder: A text encoder with a ``config`` and a table of words.
        classes: Taken because every task takes it; there are none.
    """

    optional_parts = PARTS

    def __init__(self, encoder: HybridBlock, classes: int = 0) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = VocabularyDecoder(encoder.config, encoder.embeddings.tokens)

    def hybrid_forward(
        self, F: Any, tokens: Any, segments: Any, valid_length: Any, positions: Any
    ) -> Any:
        """Maps tokens and segments ``(N, T)``, lengths ``(N,)`` and positions ``(N, P)``."""
        x = self.encoder(tokens, segments, valid_length)
        return self.decoder(gather_tokens(F, x, positions))


class LanguagePretraining(HybridBlock):
    """Scores of masked words ``(N, P, vocab_size)``, and whether two texts go together ``(N, 2)``.

    Args:
        encoder: A text encoder with a ``config`` and a table of words.
        classes: Taken because every task takes it; there are none.
    """

    optional_parts = PARTS

    def __init__(self, encoder: HybridBlock, classes: int = 0) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooler = Pooler.of(encoder)
        self.next_sentence = Dense(2, in_units=encoder.units)
        self.decoder = VocabularyDecoder(encoder.config, encoder.embeddings.tokens)

    def hybrid_forward(
        self, F: Any, tokens: Any, segments: Any, valid_length: Any, positions: Any
    ) -> tuple[Any, Any]:
        """Maps tokens and segments ``(N, T)``, lengths ``(N,)`` and positions ``(N, P)``."""
        x = self.encoder(tokens, segments, valid_length)
        words = self.decoder(gather_tokens(F, x, positions))
        return words, self.next_sentence(self.pooler(x))


TASKS.add("masked_language_model", MaskedLanguageModel)
TASKS.add("language_pretraining", LanguagePretraining)
