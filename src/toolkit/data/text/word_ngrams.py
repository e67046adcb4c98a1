"""n-grams of words as numbers, hashed as fastText's classifier hashes them.

Joulin et al., 2016, https://arxiv.org/abs/1607.01759.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from toolkit.data.text.subwords import OFFSET, PRIME

FACTOR = np.uint64(116049371)  # of the hash of a word before that of the next is added


@dataclass(frozen=True)
class WordNGrams:
    """Maps the words of a text to the buckets of its n-grams of two and more words.

    Words are hashed with the 32-bit FNV-1a hash of fastText, whose sign counts. fastText ends each
    text with the word ``</s>``: add it to have the same n-grams.
    """

    buckets: int  # hashes are 0 to buckets - 1
    longest: int = 2  # words of an n-gram
    _known: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.buckets < 1 or self.longest < 2:
            raise ValueError(f"buckets must be 1 or more, longest 2 or more, got {self!r}")

    def __len__(self) -> int:
        return self.buckets

    def __call__(self, words: Sequence[str]) -> np.ndarray:
        """The buckets (int64) of all n-grams, those of two words first, each kind in order."""
        hashes = np.array([self._word(word) for word in words], np.int64).astype(np.uint64)
        grams, found = hashes, [np.empty(0, np.uint64)]
        for length in range(2, min(self.longest, len(words)) + 1):
            grams = grams[:-1] * FACTOR + hashes[length - 1 :]
            found.append(grams)
        return (np.concatenate(found) % np.uint64(self.buckets)).astype(np.int64)

    def _word(self, word: str) -> int:
        """The hash of a word as a signed number; each word is hashed once."""
        if word not in self._known:
            value, prime = int(OFFSET), int(PRIME)
            for byte in word.encode("utf-8", "surrogatepass"):
                signed = byte - 256 if byte > 127 else byte
                value = ((value ^ (signed & 0xFFFFFFFF)) * prime) & 0xFFFFFFFF
            self._known[word] = value - (1 << 32) if value >> 31 else value
        return self._known[word]
