"""Parts of words as numbers: bytes, and fastText's hashed n-grams.

Bojanowski et al., 2016, https://arxiv.org/abs/1607.04606.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from toolkit.data.batchify import Pad

OFFSET, PRIME = np.uint32(2166136261), np.uint32(16777619)  # of the 32-bit FNV-1a hash


@dataclass(frozen=True)
class ByteSubwords:
    """Maps each word to its bytes."""

    encoding: str = "utf-8"

    def __len__(self) -> int:
        return 256

    def __call__(self, words: Iterable[str]) -> list[list[int]]:
        """The bytes of each word, 0 to 255."""
        return [list(word.encode(self.encoding)) for word in words]


@dataclass(frozen=True)
class NGramHashes:
    """Maps each word to the hashes of its character n-grams, as fastText computes them.

    A word is put between ``<`` and ``>`` first. The n-grams come in order of their start, then of
    their length; a single ``<`` or ``>`` is none. (GluonNLP counts ``>`` alone where 1 is among
    the ``ngrams``; fastText does not, nor does this.)
    """

    buckets: int  # hashes are 0 to buckets - 1
    ngrams: tuple[int, ...] = (3, 4, 5, 6)  # lengths, in characters
    special_tokens: frozenset[str] = frozenset()  # these have no n-grams

    def __post_init__(self) -> None:
        if self.buckets < 1 or not self.ngrams or min(self.ngrams) < 1:
            raise ValueError(f"buckets and ngrams must be at least 1, got {self!r}")

    def __len__(self) -> int:
        return self.buckets

    def __call__(self, words: Sequence[str]) -> list[np.ndarray]:
        """The hashes of each word's n-grams: one int64 array a word, empty for special tokens.

        All words are hashed at once: give many.
        """
        marked = [b"" if w in self.special_tokens else _bytes(f"<{w}>") for w in words]
        if not any(marked):
            return [np.empty(0, np.int64) for _ in words]
        word, hashes = self._hash(marked)
        return np.split(hashes, np.searchsorted(word, np.arange(1, len(marked))))

    def hash(self, ngram: str) -> int:
        """The bucket of one n-gram, taken as it is: neither ``<`` nor ``>`` is added."""
        value = OFFSET
        with np.errstate(over="ignore"):
            for byte in np.frombuffer(_bytes(ngram), np.int8).astype(np.uint32):
                value = (value ^ byte) * PRIME
        return int(value) % self.buckets

    def _hash(self, words: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
        """For each n-gram the number of its word and its bucket, in order."""
        text = np.frombuffer(b"".join(words), np.int8)
        lengths = np.array([len(word) for word in words])
        ends = np.cumsum(lengths)
        word = np.repeat(np.arange(len(words)), lengths)
        last = np.ones(len(text) + 1, bool)  # at a character's last byte
        first = (text & -64) != -128  # at a character's first byte: 0b10...... continues one
        last[:-2] = first[1:]
        start = np.flatnonzero(first)
        end, at = ends[word[start]], start.copy()
        value = np.full(len(start), OFFSET)
        n = np.zeros(len(start), np.int64)
        signed = text.astype(np.uint32)  # with the sign, as in fastText
        found = []
        while len(start):
            value = (value ^ signed[at]) * PRIME
            n += last[at]
            lonely = (n == 1) & (
                (start == ends[word[start]] - 1) | (start == _begin(ends, word, start))
            )
            whole = last[at] & np.isin(n, self.ngrams) & ~lonely
            found.append(np.stack([start[whole], n[whole], value[whole].astype(np.int64)]))
            at = at + 1
            going = (at < end) & (n < max(self.ngrams))
            start, end, at, value, n = (x[going] for x in (start, end, at, value, n))
        starts, sizes, values = np.concatenate(found, axis=1)
        order = np.lexsort((sizes, starts))
        return word[starts[order]], values[order] % self.buckets


@dataclass(frozen=True)
class SubwordRows:
    """Maps words to the hashes of their n-grams, a row a word, filled up with -1: ``(W, K)``.

    Words that were seen before are not hashed again.
    """

    hashes: NGramHashes
    _known: dict[str, np.ndarray] = field(default_factory=dict, init=False, repr=False)

    def __call__(self, words: Sequence[str]) -> np.ndarray:
        """The rows of words, float32, as ``WordVectors`` takes them behind the words themselves."""
        if new := [word for word in dict.fromkeys(words) if word not in self._known]:
            self._known.update(zip(new, self.hashes(new), strict=True))
        return np.asarray(_PADDED([self._known[word] for word in words]), np.float32)


_PADDED = Pad(value=-1)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # half a character hashes like any other


def _begin(ends: np.ndarray, word: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Where the words of some positions begin."""
    return np.where(word[start] > 0, ends[word[start] - 1], 0)
