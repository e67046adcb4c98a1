"""fastText's binary models: vectors of words and of n-grams, which give any word a vector.

Bojanowski et al., 2016, https://arxiv.org/abs/1607.04606.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from tqdm import tqdm

from toolkit.data.text.subwords import NGramHashes

MAGIC, VERSIONS = 793712314, (11, 12)
END = "</s>"  # of a line: without n-grams, but in the first format
_ARGUMENTS = "dim window epochs min_count negatives word_ngrams loss model bucket minn maxn rate"
_LONGEST = 1 << 16  # bytes of a word
_AT_ONCE = 1024  # words


@dataclass(frozen=True, eq=False)
class SubwordVectors:
    """Any word's vector: the mean of those of its n-grams, and of the word itself if known.

    The matrix stays in the file and is mapped.
    """

    words: Mapping[str, int] = field(repr=False)  # the row of each
    matrix: np.ndarray = field(repr=False)  # (words + buckets, D) float32
    hashes: NGramHashes | None  # None: the model has no n-grams
    pruned: Mapping[int, int] | None = field(default=None, repr=False)  # of a bucket, its row

    def __call__(self, word: str) -> np.ndarray:
        """The vector of a word, (D,) float32; zeros where nothing of it is known."""
        return self._means([word])[0]

    def vectors(self, *, progress: bool = True) -> np.ndarray:
        """Those of all known words in their order, (N, D) float32."""
        words = list(self.words)
        found = np.empty((len(words), self.matrix.shape[1]), np.float32)
        with tqdm(total=len(words), unit="words", disable=not progress) as bar:
            for start in range(0, len(words), _AT_ONCE):
                some = words[start : start + _AT_ONCE]
                found[start : start + len(some)] = self._means(some)
                bar.update(len(some))
        return found

    def _means(self, words: list[str]) -> np.ndarray:
        """The mean of the rows of each word, (n, D)."""
        rows = self._rows(words)
        sizes = np.array([len(row) for row in rows])
        means = np.zeros((len(words), self.matrix.shape[1]), np.float32)
        if sizes.any():
            some = sizes > 0  # reduceat takes an empty stretch for one of length 1
            starts = np.cumsum(sizes[some]) - sizes[some]
            sums = np.add.reduceat(self.matrix[np.concatenate(rows)], starts, axis=0)
            means[some] = sums / sizes[some][:, None]
        return means

    def _rows(self, words: list[str]) -> list[np.ndarray]:
        """The rows that each word has part in."""
        own = [[self.words[w]] if w in self.words else [] for w in words]
        if self.hashes is None:
            return [np.array(row, np.int64) for row in own]
        found = []
        for row, buckets in zip(own, self.hashes(words), strict=True):
            if self.pruned is not None:
                known = [self.pruned[b] for b in buckets.tolist() if b in self.pruned]
                buckets = np.array(known, np.int64)
            found.append(np.concatenate([np.array(row, np.int64), len(self.words) + buckets]))
        return found


def read_fasttext_bin(path: Path) -> SubwordVectors:
    """The vectors of a ``.bin`` model by fastText, of its present or its first format.

    Raises:
        ValueError: the file is no such model, is quantized, or cut off; the message has the place.
    """
    with path.open("rb") as file:
        try:
            return _read(file, path)
        except struct.error:
            raise ValueError(f"{path} is cut off: it ends within a header") from None


def _read(file: BinaryIO, path: Path) -> SubwordVectors:
    magic, version = _take(file, "<2i")
    new = magic == MAGIC
    if new and version not in VERSIONS:
        raise ValueError(f"{path} has fastText's format {version}; 11 and 12 are read")
    first = () if new else (magic, version)  # the first format began with the arguments
    numbers = (*first, *_take(file, f"<{12 - len(first)}i"))
    known = dict(zip(_ARGUMENTS.split(), numbers, strict=True))
    _take(file, "<d")
    if not 0 < known["dim"] < 1 << 16 or known["bucket"] < 0 or known["maxn"] < 0:
        raise ValueError(f"{path} is no fastText model: it begins with {numbers[:3]}")
    size, words, _ = _take(file, "<3i")
    _take(file, "<q")
    prune = _take(file, "<q")[0] if new else -1
    index = _words(file, size, words, path)
    pruned = {}
    for _ in range(max(prune, 0)):
        bucket, row = _take(file, "<2i")
        pruned[bucket] = row
    if new and _take(file, "<?")[0]:
        raise ValueError(f"{path} is quantized (.ftz); only .bin models are read")
    matrix = _matrix(file, path, known["dim"])
    if not (new and _take(file, "<?")[0]):  # what a model predicts by; a sound file ends with it
        _matrix(file, path, known["dim"], "output ")
    hashes = None
    if known["maxn"] and known["bucket"]:
        lengths = tuple(range(max(known["minn"], 1), known["maxn"] + 1))
        whole = frozenset({END}) if new else frozenset[str]()
        hashes = NGramHashes(known["bucket"], lengths, whole)
    return SubwordVectors(index, matrix, hashes, pruned if prune >= 0 else None)


def _words(file: BinaryIO, size: int, words: int, path: Path) -> dict[str, int]:
    index: dict[str, int] = {}
    for number in range(size):
        start = file.tell()
        raw = b""
        while (end := raw.find(b"\0")) < 0:
            block = file.read(64)
            if not block or len(raw) > _LONGEST:
                raise ValueError(f"{path} is cut off within word {number} of {size}")
            raw += block
        file.seek(start + end + 1)
        if len(file.read(9)) < 9:  # its count and kind
            raise ValueError(f"{path} is cut off within word {number} of {size}")
        if number < words:  # labels follow
            index[raw[:end].decode("utf-8", "backslashreplace")] = number
    if len(index) < words:
        raise ValueError(f"{path} has {words} words of which only {len(index)} differ")
    return index


def _matrix(file: BinaryIO, path: Path, dim: int, kind: str = "") -> np.ndarray:
    """The matrix that begins here; what follows it is read next."""
    rows, columns = _take(file, "<2q")
    start, size = file.tell(), 4 * rows * columns
    left = path.stat().st_size - start
    if columns != dim or rows < 1:
        raise ValueError(f"{path}: a matrix of {rows} x {columns} for vectors of {dim} numbers")
    if left < size:
        record = left // (4 * columns)
        raise ValueError(f"{path} is cut off: {kind}vector {record} of {rows} is not whole")
    file.seek(start + size)
    return np.memmap(path, "<f4", "r", start, (rows, columns))


def _take(file: BinaryIO, layout: str) -> tuple:
    return struct.unpack(layout, file.read(struct.calcsize(layout)))
