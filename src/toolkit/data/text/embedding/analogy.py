"""Word analogies: a is to b as c is to which word of the whole vocabulary?

3CosAdd after Mikolov et al., 2013, https://arxiv.org/abs/1301.3781; 3CosMul after Levy and
Goldberg, 2014, "Linguistic Regularities in Sparse and Explicit Word Representations".
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from toolkit.data.text.embedding.similarity import unit
from toolkit.data.text.embedding.token_embedding import TokenEmbedding
from toolkit.data.text.splitters import read_lines
from toolkit.utils.registry import unknown

Question = tuple[str, str, str, str]  # a, b, c and the answer
Scores = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]
EPSILON = 1e-3  # of 3CosMul


def _add(a: np.ndarray, b: np.ndarray, c: np.ndarray, words: np.ndarray) -> np.ndarray:
    return (b - a + c) @ words.T


def _mul(a: np.ndarray, b: np.ndarray, c: np.ndarray, words: np.ndarray) -> np.ndarray:
    # In place: each of these is questions x vocabulary.
    scores = b @ words.T
    scores += 1
    other = c @ words.T
    other += 1
    scores *= other
    np.matmul(a, words.T, out=other)
    other += 1 + 2 * EPSILON
    scores /= other
    return scores


# Of n questions (a, b, c: (n, D)) and N words (N, D), all of length 1: (n, N).
METHODS: Mapping[str, Scores] = MappingProxyType({"3cosadd": _add, "3cosmul": _mul})


@dataclass(frozen=True)
class Analogy:
    """How many questions were answered rightly."""

    right: int
    covered: int  # questions whose four words have vectors
    questions: int
    categories: Mapping[str, tuple[int, int]]  # right and covered of each

    @property
    def accuracy(self) -> float:
        """Of the covered questions."""
        return self.right / self.covered if self.covered else 0.0


def evaluate_analogy(
    embedding: TokenEmbedding,
    questions: Mapping[str, Sequence[Question]],
    *,
    method: str = "3cosadd",
    ignore_case: bool = True,
    limit: int | None = None,
    batch_size: int = 256,
) -> Analogy:
    """Answers analogy questions with the nearest of all words but the three given.

    Args:
        embedding: the vectors.
        questions: by category, as ``read_questions`` gives them.
        method: "3cosadd" or "3cosmul".
        ignore_case: compare words in lower case; of words that then are alike the first counts.
        limit: only the first so many words take part, as the most frequent come first in most
            files.
        batch_size: questions at a time; memory is ``8 * batch_size * words`` bytes.

    Raises:
        ValueError: an unknown method.
    """
    if method not in METHODS:
        raise ValueError(unknown("analogy method", method, METHODS))
    index: dict[str, int] = {}
    for place, token in enumerate(embedding.tokens[:limit]):
        index.setdefault(token.lower() if ignore_case else token, place)
    words = unit(embedding.vectors[:limit])
    answered = {}
    for category, rows in questions.items():
        spelled = ([w.lower() if ignore_case else w for w in row] for row in rows)
        known = [[index[w] for w in row] for row in spelled if all(w in index for w in row)]
        right = 0
        for start in range(0, len(known), batch_size):
            right += _right(np.array(known[start : start + batch_size]), words, METHODS[method])
        answered[category] = (right, len(known))
    right, covered = (sum(counts[i] for counts in answered.values()) for i in (0, 1))
    total = sum(map(len, questions.values()))
    return Analogy(right, covered, total, MappingProxyType(answered))


def read_questions(path: str | os.PathLike[str]) -> dict[str, list[Question]]:
    """The questions of a file in word2vec's layout: four words a line under ``: category``.

    Raises:
        ValueError: it holds no questions or is not UTF-8; or a line is neither: the message has it.
    """
    found: dict[str, list[Question]] = {}
    category = ""
    for number, line in enumerate(read_lines(path), 1):
        if line.startswith(":"):
            category = line[1:].strip()
            continue
        parts = line.split()
        if not parts:
            continue
        if len(parts) != 4:
            raise ValueError(f"{path}, line {number}: expected four words, got {line!r}")
        found.setdefault(category, []).append((parts[0], parts[1], parts[2], parts[3]))
    if not found:
        raise ValueError(f"{path} holds no questions")
    return found


def _right(rows: np.ndarray, words: np.ndarray, scores: Scores) -> int:
    """How many questions, (n, 4) indices, have their answer on top."""
    a, b, c = (words[rows[:, i]] for i in range(3))
    found = scores(a, b, c, words)
    np.put_along_axis(found, rows[:, :3], -np.inf, axis=1)
    return int((found.argmax(1) == rows[:, 3]).sum())
