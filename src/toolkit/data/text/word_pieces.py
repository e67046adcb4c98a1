"""Sentences that are cut into words already, as an encoder of pieces reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class WordPieces:
    """A sentence in pieces, and where its words are."""

    tokens: np.ndarray  # ids (T,), special ones included
    segments: np.ndarray  # (T,)
    places: np.ndarray  # (W,): the place of each word's first piece; -1 where it has none

    def spread(self, values: Sequence[int], other: int = -1) -> np.ndarray:
        """Values (W,) of words at their first pieces, ``other`` at all other pieces: (T,)."""
        spread = np.full(len(self.tokens), other, np.int32)
        seen = self.places >= 0
        spread[self.places[seen]] = np.asarray(values, np.int32)[seen]
        return spread

    def root_and_words(self) -> np.ndarray:
        """Places (1 + W,) as the task ``parser`` takes them: counted from 1, the first the root's.

        The first piece of all stands for the root. A word that has no place has that of the word
        before it.
        """
        places = np.maximum.accumulate(np.concatenate([[0], self.places]))
        return (places + 1).astype(np.int32)

    def gather(self, values: Sequence[Any] | np.ndarray, missing: Any) -> list[Any]:
        """Of values of pieces those of words; ``missing`` for words that were cut off."""
        return [missing if place < 0 else values[place] for place in self.places]


def cut_words(words: Sequence[str], tokenizer: Any, *, max_length: int | None = None) -> WordPieces:
    """Cuts words into pieces.

    Args:
        words: Those of a sentence; they are joined by blanks, so that any tokenizer will do.
        tokenizer: One of ``toolkit.data.text.tokenizers``.
        max_length: Most pieces, special ones included; words that do not fit have no place.

    Returns:
        The pieces. A word of which the tokenizer leaves nothing has no place either.

    Raises:
        ValueError: there are no words.
    """
    if not words:
        raise ValueError("a sentence without words cannot be tagged")
    text = tokenizer.encode(" ".join(words), max_length=max_length)
    word_at = np.repeat(np.arange(len(words)), [len(word) + 1 for word in words])
    places = np.full(len(words), -1, np.int32)
    for place, span in enumerate(text.offsets):
        if span is None or span[1] <= span[0]:
            continue
        word = word_at[span[1] - 1]  # by its end: a piece may begin with the blank before a word
        if places[word] < 0:
            places[word] = place
    return WordPieces(np.array(text.ids, np.int32), np.array(text.segments, np.int32), places)
