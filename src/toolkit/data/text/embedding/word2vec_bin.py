"""Vectors as word2vec's own program writes them in binary: "N D", then a word and D floats each."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
from tqdm import tqdm

LONGEST = 1 << 16  # bytes of a word


def read_word2vec_bin(path: Path, *, progress: bool = True) -> tuple[list[str], np.ndarray]:
    """The words of a binary file and their vectors, (N, D) float32; the file itself is mapped.

    Of a word that is there twice the first vector is kept; a word that is not UTF-8 has its bytes
    escaped.

    Raises:
        ValueError: no header, or the file ends within a record; the message has its number.
    """
    with path.open("rb") as file:
        header = file.readline(100).split()
        start = file.tell()
        if len(header) != 2 or not all(part.isdigit() for part in header):
            raise ValueError(f"{path} is no word2vec file: it begins with {header[:3]}")
        count, dim = map(int, header)
        left = path.stat().st_size - start
        if not dim or not count or left < count * (4 * dim + 2):
            have = left // (4 * dim + 2) if dim else 0
            raise ValueError(
                f"{path} is cut off or broken: it says {count} vectors of {dim} numbers, which "
                f"{left} bytes cannot hold; record {have} is the last that could be there"
            )
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _records(data, start, (count, dim), path, progress)


def _records(
    data: mmap.mmap, at: int, shape: tuple[int, int], path: Path, progress: bool
) -> tuple[list[str], np.ndarray]:
    count, dim = shape
    index: dict[str, int] = {}
    vectors = np.empty(shape, np.float32)
    for record in tqdm(range(count), unit="vectors", disable=not progress):
        blank = data.find(b" ", at, at + LONGEST)
        end = blank + 1 + 4 * dim
        if blank < 0 or end > len(data):
            raise ValueError(
                f"{path}: record {record} of {count} is cut off: the file ends "
                f"{len(data) - at} bytes after its begin"
            )
        word = data[at:blank].lstrip(b"\n").decode("utf-8", "backslashreplace")
        if word not in index:
            vectors[len(index)] = np.frombuffer(data[blank + 1 : end], "<f4")
            index[word] = len(index)
        at = end
    return list(index), vectors[: len(index)]
