"""GloVe: vectors that explain how often words stand near each other.

Pennington et al., 2014, "GloVe: Global Vectors for Word Representation".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from word2vec import add_rows

BATCH = 2048


@dataclass(frozen=True)
class GloveOptions:
    """How vectors are trained."""

    dim: int = 100
    window: int = 10  # words on each side; those further away count less
    limit: float = 10.0  # pairs that are there more often weigh no more
    power: float = 0.75
    rate: float = 0.05
    seed: int = 0


def cooccurrences(
    ids: np.ndarray, ends: np.ndarray, size: int, window: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How often words stand near each other: two indices and a weight, (N,) each.

    Two words at a distance of d count 1 / d; each pair is there in both orders.
    """
    sentence = np.searchsorted(ends, np.arange(len(ids)), side="right")
    keys, weights = [np.empty(0, np.int64)], [np.empty(0)]
    for distance in range(1, window + 1):
        alike = sentence[distance:] == sentence[:-distance]
        left, right = ids[:-distance][alike], ids[distance:][alike]
        found, count = np.unique(left * size + right, return_counts=True)
        keys.append(found)
        weights.append(count / distance)
    forward = np.concatenate(keys)
    both = np.concatenate([forward, forward % size * size + forward // size])
    found, place = np.unique(both, return_inverse=True)
    total = np.bincount(place.ravel(), np.tile(np.concatenate(weights), 2), len(found))
    return found // size, found % size, total.astype(np.float32)


class Side:
    """Vectors and biases of words in one role, and the squares of their gradients."""

    def __init__(self, size: int, dim: int, rng: np.random.Generator) -> None:
        self.table = ((rng.random((size, dim + 1)) - 0.5) / dim).astype(np.float32)
        self.squares = np.ones_like(self.table)

    def step(self, ids: np.ndarray, grads: np.ndarray, rate: float) -> None:
        """One step of Adagrad with the sum of each row's gradients."""
        unique, place = np.unique(ids, return_inverse=True)
        sums = np.zeros((len(unique), grads.shape[1]), np.float32)
        add_rows(sums, place, grads)
        self.squares[unique] += sums * sums
        self.table[unique] -= rate * sums / np.sqrt(self.squares[unique])


def train(
    pairs: tuple[np.ndarray, np.ndarray, np.ndarray], size: int, epochs: int, options: GloveOptions
) -> tuple[np.ndarray, list[float]]:
    """Trains on ``cooccurrences``: vectors, (size, dim), and the mean loss of each epoch."""
    rng = np.random.default_rng(options.seed)
    first, second = (Side(size, options.dim, rng) for _ in range(2))
    rows, columns, counts = pairs
    targets = np.log(counts)
    weights = np.minimum(1, (counts / options.limit) ** options.power)
    losses = []
    for _ in range(epochs):
        total, order = 0.0, rng.permutation(len(rows))
        for start in range(0, len(order), BATCH):
            some = order[start : start + BATCH]
            i, j = rows[some], columns[some]
            a, b = first.table[i], second.table[j]
            error = (a[:, :-1] * b[:, :-1]).sum(1) + a[:, -1] + b[:, -1] - targets[some]
            slope = (weights[some] * error)[:, None]
            total += float((slope[:, 0] * error).sum()) / 2
            one = np.ones_like(slope)
            first.step(i, slope * np.concatenate([b[:, :-1], one], 1), options.rate)
            second.step(j, slope * np.concatenate([a[:, :-1], one], 1), options.rate)
        losses.append(total / len(rows))
    return first.table[:, :-1] + second.table[:, :-1], losses
