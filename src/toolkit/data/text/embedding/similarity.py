"""Word similarity: do vectors order pairs of words as people do?"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from toolkit.data.text.embedding.token_embedding import TokenEmbedding
from toolkit.data.text.splitters import read_lines

Pair = tuple[str, str, float]  # two words, and how alike people find them


@dataclass(frozen=True)
class Similarity:
    """How well the cosines of pairs follow people's judgement."""

    spearman: float  # rank correlation over the pairs whose two words have vectors
    covered: int  # so many
    pairs: int  # of so many


def evaluate_similarity(
    embedding: TokenEmbedding, pairs: Iterable[Pair], *, ignore_case: bool = True
) -> Similarity:
    """Spearman's rank correlation of cosine similarities with people's; ties share their rank.

    Args:
        embedding: the vectors; pairs with a word that has none are left out.
        pairs: as ``read_pairs`` gives them.
        ignore_case: take a word in lower case where it has no vector as it is spelled.

    Raises:
        ValueError: fewer than two pairs are covered.
    """
    pairs = list(pairs)
    rows = [
        (_known(embedding, a, ignore_case), _known(embedding, b, ignore_case), s)
        for a, b, s in pairs
    ]
    kept = [(a, b, s) for a, b, s in rows if a is not None and b is not None]
    if len(kept) < 2:
        raise ValueError(f"{len(kept)} of {len(pairs)} pairs have vectors, at least 2 are needed")
    first, second = (unit(embedding[[row[i] for row in kept]]) for i in (0, 1))
    cosines = (first * second).sum(1)
    return Similarity(spearman(cosines, np.array([s for *_, s in kept])), len(kept), len(pairs))


def read_pairs(
    path: str | os.PathLike[str],
    *,
    columns: tuple[int, int, int] = (0, 1, 2),
    separator: str | None = None,
    header: bool = False,
) -> list[Pair]:
    """The pairs of a text file with two words and a number a line.

    Args:
        path: in UTF-8.
        columns: of the first word, the second, the number.
        separator: between columns; any white space by default.
        header: the first line is none.

    Raises:
        ValueError: it holds no pairs or is not UTF-8; or a line has not as many columns, or no
            number: the message has it.
    """
    return parse_pairs(
        read_lines(path), str(path), columns=columns, separator=separator, header=header
    )


def parse_pairs(
    lines: Iterable[str],
    name: str,
    *,
    columns: tuple[int, int, int] = (0, 1, 2),
    separator: str | None = None,
    header: bool = False,
) -> list[Pair]:
    """The pairs in the lines of a file; ``name`` is the file's in errors. See ``read_pairs``."""
    pairs: list[Pair] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#") or (header and number == 1):
            continue
        parts = line.split(separator)
        try:
            first, second, score = (parts[i].strip() for i in columns)
            pairs.append((first, second, float(score)))
        except (IndexError, ValueError) as error:
            raise ValueError(f"{name}, line {number}: no pair with a number: {line!r}") from error
    if not pairs:
        raise ValueError(f"{name} holds no pairs")
    return pairs


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors scaled to length 1, (N, D) float32; zeros stay zeros."""
    vectors = np.asarray(vectors, np.float32)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(length, np.finfo(np.float32).tiny)


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """The correlation of the ranks of two series; 0 where one of them is constant."""
    a, b = (_ranks(values) - (len(x) - 1) / 2 for values in (x, y))
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale else 0.0


def _ranks(values: np.ndarray) -> np.ndarray:
    """Places in ascending order from 0; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts + 1) / 2)[inverse.ravel()]


def _known(embedding: TokenEmbedding, word: str, ignore_case: bool) -> str | None:
    if word in embedding:
        return word
    lower = word.lower()
    return lower if ignore_case and lower in embedding else None
