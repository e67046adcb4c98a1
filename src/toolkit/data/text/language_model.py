"""Batches for language models: long sequences cut for truncated back-propagation through time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from toolkit.data.dataset import Dataset


def fold(tokens: Sequence[int] | np.ndarray, batch_size: int) -> np.ndarray:
    """One long sequence as parallel columns: (T // N, N) for T tokens; the rest is left out.

    Raises:
        ValueError: fewer tokens than columns.
    """
    tokens = np.asarray(tokens)
    rows = len(tokens) // batch_size if batch_size > 0 else 0
    if not rows:
        raise ValueError(f"{len(tokens)} tokens cannot fill {batch_size} columns")
    return tokens[: rows * batch_size].reshape(batch_size, rows).T


@dataclass(frozen=True, eq=False)
class BPTTDataset(Dataset):
    """Samples ``(data, target)`` of one long sequence, in order: each goes on where the last ended.

    Each is (T, N): ``target`` is ``data`` moved on by one token. The last may be shorter.

    Raises:
        ValueError: too few tokens for one step, or a length below 1.
    """

    tokens: Sequence[int] | np.ndarray = field(repr=False)  # of the whole corpus
    batch_size: int  # N
    length: int  # T
    last: str = "keep"  # a last sample that is short: "keep" or "discard"
    _columns: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.length < 1 or self.last not in ("keep", "discard"):
            raise ValueError(f"length must be 1 or more, last 'keep' or 'discard': {self!r}")
        object.__setattr__(self, "_columns", fold(self.tokens, self.batch_size))
        if not len(self):
            raise ValueError(f"{len(self.tokens)} tokens are too few for {self!r}")

    def __len__(self) -> int:
        steps = len(self._columns) - 1
        return steps // self.length if self.last == "discard" else -(-steps // self.length)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        start = self.position(index) * self.length
        part = self._columns[start : start + self.length + 1]
        return part[:-1], part[1:]


@dataclass(frozen=True)
class BPTTStream:
    """The same from sentences that need not fit in memory: each column reads on by itself.

    A column takes the next sentence of the stream when its last is used up; hidden states go from
    one sentence into the next. When the stream ends, columns that have nothing left are padded;
    a last batch of padding alone is none.

    Iterating gives ``(data, target, valid)``, each (T, N): int64, int64 and bool, which is False
    where a target is padding.
    """

    sentences: Iterable[Sequence[int]]  # a list, or a stream that can be read again
    batch_size: int  # N
    length: int  # T
    padding: int = 0

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        source = iter(self.sentences)
        columns: list[list[int]] = [[] for _ in range(self.batch_size)]
        while True:
            tokens = np.full((self.length + 1, self.batch_size), self.padding, np.int64)
            sizes = np.zeros(self.batch_size, np.int64)
            for i, column in enumerate(columns):
                while len(column) <= self.length and (more := next(source, None)) is not None:
                    column += more
                sizes[i] = min(len(column), self.length + 1)
                tokens[: sizes[i], i] = column[: self.length + 1]
                del column[: self.length]  # the last target is the next data
            valid = np.arange(self.length)[:, None] < sizes - 1
            if not valid.any():
                return
            yield tokens[:-1], tokens[1:], valid
