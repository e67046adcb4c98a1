"""Words in an order of one's own: XLNet's pretraining task."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock

from toolkit.model_zoo.registry import TASKS
from toolkit.model_zoo.text.heads import PARTS, decoder_of, gather_tokens


class PermutationLanguageModel(HybridBlock):
    """Scores ``(N, P, vocab_size)``, before softmax, of the words at P positions of each row.

    Yang et al., 2019, https://arxiv.org/abs/1906.08237.

    Args:
        encoder: One with two streams: ``predict``.
        classes: Taken because every task takes it; there are none.

    Raises:
        TypeError: the encoder has one stream alone.
    """

    optional_parts = PARTS

    def __init__(self, encoder: HybridBlock, classes: int = 0) -> None:
        super().__init__()
        if not hasattr(encoder, "predict"):
            raise TypeError(f"{type(encoder).__name__} has no second stream; XLNet has")
        self.encoder = encoder
        self.vocab_size = encoder.vocab_size
        self.mask = self.params.get("mask", shape=(1, 1, encoder.units))
        self.decoder = decoder_of(encoder)

    def hybrid_forward(
        self,
        F: Any,
        tokens: Any,
        segments: Any,
        valid_length: Any,
        hidden: Any,
        positions: Any,
        mask: Any,
    ) -> Any:
        """Maps tokens and segments ``(N, T)``, lengths ``(N,)`` and positions ``(N, P)``.

        ``hidden`` ``(N, T, T)`` is 1 where place i may not look at token j, else 0.
        """
        texts = (tokens, segments, valid_length)
        x = self.encoder.predict(F, texts, hidden, mask)
        return self.decoder(gather_tokens(F, x, positions))


TASKS.add("permutation_language_model", PermutationLanguageModel)
