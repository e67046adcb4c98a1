"""Vectors in text files: a token and its numbers a line, as GloVe, word2vec and fastText write."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from tqdm import tqdm


def read_text_vectors(path: Path, *, progress: bool = True) -> tuple[list[str], np.ndarray]:
    """The tokens of a text file and their vectors, (N, D) float32.

    A first line of two whole numbers is a header. Tokens may hold blanks, as some of GloVe's do;
    of a token that is there twice the first vector is kept.

    Raises:
        ValueError: no vectors, a line with another number of them, or a token that is not UTF-8;
            the message has the line.
    """
    tokens: list[str] = []
    seen: set[str] = set()
    size = path.stat().st_size
    with path.open("rb") as file, _strict_numbers(), _bar(size, progress) as bar:
        count, dim = _header(file)
        rows = _Rows(count, dim)
        start = 2 if count is not None else 1
        for number, line in enumerate(file, start):
            bar.update(len(line))
            if not line.strip():
                continue
            token, vector = _parsed(line, rows.dim, path, number)
            if token not in seen:
                seen.add(token)
                tokens.append(token)
                rows.add(vector)
    if not tokens:
        raise ValueError(f"{path} holds no vectors")
    if count is not None and number - 1 < count:
        raise ValueError(f"{path} is cut off: it says {count} vectors and has {number - 1}")
    return tokens, rows.array()


class _Rows:
    """An array that grows by doubling."""

    def __init__(self, count: int | None, dim: int | None) -> None:
        self.dim, self._size = dim, 0
        # A header is a claim: memory is taken as rows come.
        self._rows = np.empty((min(count or 1024, 1 << 16), dim or 0), np.float32)

    def add(self, row: np.ndarray) -> None:
        if self.dim is None:
            self.dim = len(row)
            self._rows = np.empty((1024, self.dim), np.float32)
        if self._size == len(self._rows):
            self._rows.resize((2 * self._size, self.dim), refcheck=False)
        self._rows[self._size] = row
        self._size += 1

    def array(self) -> np.ndarray:
        self._rows.resize((self._size, self.dim or 0), refcheck=False)
        return self._rows


def _header(file: BinaryIO) -> tuple[int | None, int | None]:
    """The numbers of the first line where it is a header; else the file is back at its start."""
    parts = file.readline().split()
    if len(parts) == 2 and all(part.isdigit() for part in parts):
        return int(parts[0]), int(parts[1])
    file.seek(0)
    return None, None


def _parsed(line: bytes, dim: int | None, path: Path, number: int) -> tuple[str, np.ndarray]:
    word, _, rest = line.rstrip().partition(b" ")
    vector = _numbers(rest)
    if dim is not None and (vector is None or len(vector) != dim):
        parts = line.rstrip().rsplit(b" ", dim)  # the token holds blanks
        word, vector = parts[0], _numbers(b" ".join(parts[1:]))
    if vector is None or not len(vector) or (dim is not None and len(vector) != dim):
        expected = "numbers" if dim is None else f"{dim} numbers"
        raise ValueError(f"{path}, line {number}: expected a token and {expected}: {line[:60]!r}")
    try:
        return word.decode("utf-8"), vector
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}, line {number}: the token is not UTF-8: {word!r}") from error


def _numbers(text: bytes) -> np.ndarray | None:
    try:
        return np.fromstring(text, np.float32, sep=" ")
    except (ValueError, DeprecationWarning):
        return None


@contextmanager
def _strict_numbers() -> Iterator[None]:
    """NumPy 1 only warns of what is no number."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        yield


def _bar(size: int, progress: bool) -> tqdm:
    return tqdm(total=size, unit="B", unit_scale=True, disable=not progress)
