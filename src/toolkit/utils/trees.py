"""Dependency trees out of scores: the best tree with one root, and whether there is a loop.

Chu and Liu, 1965; Edmonds, 1967; McDonald et al., 2005, H05-1066.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


def find_loop(heads: Sequence[int] | np.ndarray) -> list[int]:
    """The numbers of words that depend on one another, the least first; empty in a tree.

    Args:
        heads: The number of each word's head; words count from 1, and 0 is the root.
    """
    seen = [0] * (len(heads) + 1)  # by the walk that began at which word
    for start in range(1, len(heads) + 1):
        word = start
        while word and not seen[word]:
            seen[word] = start
            word = int(heads[word - 1])
        if word and seen[word] == start:
            loop = [word]
            while heads[loop[-1] - 1] != word:
                loop.append(int(heads[loop[-1] - 1]))
            return sorted(loop)
    return []


def greedy_heads(scores: np.ndarray) -> np.ndarray:
    """Each word's own best head, which is not itself; together they need not be a tree.

    Args:
        scores: ``(T, T)``, of the dependent in the row and the head in the column; the first is
            the root, whose own row means nothing.

    Returns:
        The number of the head of each word, 0 the root, ``(T - 1,)`` int64.

    Raises:
        ValueError: no square of numbers that are finite, or no word.
    """
    return _without_self(_checked(scores)).argmax(axis=1)[1:]


def best_tree(scores: np.ndarray) -> np.ndarray:
    """The tree of the greatest sum of scores in which one word alone depends on the root.

    Never a loop, whatever the scores. Where each word's own best head makes such a tree, it is that
    one; otherwise the maximum spanning tree, found by contracting loops.

    Args:
        scores: ``(T, T)``, of the dependent in the row and the head in the column; the first is
            the root, whose own row means nothing.

    Returns:
        The number of the head of each word, 0 the root, ``(T - 1,)`` int64.

    Raises:
        ValueError: no square of numbers that are finite, or no word.
    """
    scores = _without_self(_checked(scores))
    heads = scores.argmax(axis=1)[1:]
    if np.count_nonzero(heads == 0) == 1 and not find_loop(heads):
        return heads
    # Each arc from the root costs more than all others can make up for: there is one, therefore.
    inner = scores[1:][np.isfinite(scores[1:])]
    scores[1:, 0] -= (inner.max() - inner.min() + 1) * len(scores)
    return _spanning_tree(scores)[1:]


def decode_trees(
    arcs: np.ndarray, relations: np.ndarray, lengths: Sequence[int] | np.ndarray, root: int | None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The best trees of a batch, and the best relation of each word to the head it has there.

    Args:
        arcs: ``(N, T, T)``, of dependents and heads, as `best_tree` takes them.
        relations: ``(N, T, L, T)``, of dependents, relations and heads.
        lengths: ``(N,)``: words of each sentence, the root included.
        root: The relation that a word has to the root, and to nothing else; None for any.

    Returns:
        Of each sentence the heads and the relations of its words, int64.

    Raises:
        ValueError: a score within the lengths is not finite, or a sentence has no word.
    """
    found = []
    for scores, kinds, length in zip(arcs, relations, lengths, strict=True):
        size = int(length)
        heads = best_tree(scores[:size, :size])
        own = np.array(kinds[np.arange(1, size), :, heads], np.float64)  # (words, L)
        if root is not None:
            own[:, root] = np.where(heads == 0, np.inf, -np.inf)
        found.append((heads, own.argmax(axis=1)))
    return found


def _checked(scores: np.ndarray) -> np.ndarray:
    scores = np.array(scores, np.float64)
    if scores.ndim != 2 or scores.shape[0] != scores.shape[1] or len(scores) < 2:
        raise ValueError(
            f"scores must be a square of the root and at least one word, got {scores.shape}"
        )
    if not np.isfinite(scores[1:]).all():
        raise ValueError("scores of heads must be finite numbers")
    return scores


def _without_self(scores: np.ndarray) -> np.ndarray:
    """Scores in which nothing depends on itself, and the root on nothing."""
    np.fill_diagonal(scores, -np.inf)
    scores[0] = -np.inf
    return scores


@dataclass(frozen=True)
class _Contraction:
    """A loop that became one node, the last one, and what is needed to open it again."""

    heads: np.ndarray  # of all nodes before
    loop: np.ndarray  # the nodes of the loop
    rest: np.ndarray  # the others, the root first
    entered: np.ndarray  # of each of the rest as a head: which node of the loop it would take
    left: np.ndarray  # of each of the rest as a dependent: which node of the loop would take it

    def opened(self, heads: np.ndarray) -> np.ndarray:
        """The heads of all nodes before, of those after."""
        result = self.heads.copy()
        outside = len(self.rest)
        own = heads[:outside]
        within = self.loop[self.left]
        result[self.rest] = np.where(own < outside, self.rest[np.minimum(own, outside - 1)], within)
        entry = heads[outside]
        result[self.loop[self.entered[entry]]] = self.rest[entry]
        return result


def _spanning_tree(scores: np.ndarray) -> np.ndarray:
    """The heads (T,) of the maximum spanning tree, by Chu, Liu and Edmonds; the root's is 0."""
    contractions: list[_Contraction] = []
    while True:
        heads = scores.argmax(axis=1)
        loop = find_loop(heads[1:])
        if not loop:
            break
        scores, contraction = _contract(scores, heads, np.array(loop))
        contractions.append(contraction)
    for contraction in reversed(contractions):
        heads = contraction.opened(heads)
    return heads


def _contract(
    scores: np.ndarray, heads: np.ndarray, loop: np.ndarray
) -> tuple[np.ndarray, _Contraction]:
    """Scores among what is outside of the loop and the loop as one node."""
    rest = np.setdiff1d(np.arange(len(scores)), loop)
    # Whoever enters the loop takes the place of the arc to the node that is entered.
    entering = scores[np.ix_(loop, rest)] - scores[loop, heads[loop]][:, None]
    leaving = scores[np.ix_(rest, loop)]
    size = len(rest)
    smaller = np.full((size + 1, size + 1), -np.inf)
    smaller[:size, :size] = scores[np.ix_(rest, rest)]
    smaller[size, :size] = entering.max(axis=0)
    smaller[:size, size] = leaving.max(axis=1)
    return smaller, _Contraction(heads, loop, rest, entering.argmax(axis=0), leaving.argmax(axis=1))
