"""Draws indices in proportion to weights: negative samples, noise words.

The alias method: Vose, 1991, "A Linear Algorithm for Generating Random Numbers with a Given
Distribution". A draw costs the same however many weights there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class CandidateSampler:
    """Draws from 0 to N - 1 in proportion to N weights.

    Raises:
        ValueError: no weights, a negative one, or none above 0.
    """

    weights: Sequence[float] | np.ndarray = field(repr=False)  # (N,)
    power: float = 1.0  # of the weights; word2vec takes 0.75 of the counts
    _keep: np.ndarray = field(init=False, repr=False)  # (N,) chance that a slot keeps its index
    _other: np.ndarray = field(init=False, repr=False)  # (N,) what it gives otherwise

    def __post_init__(self) -> None:
        weights = np.asarray(self.weights, np.float64)
        if weights.ndim != 1 or not np.isfinite(weights).all() or (weights < 0).any():
            raise ValueError(
                f"weights must be a row of numbers of 0 or more, {weights.shape} given"
            )
        if not weights.any():
            raise ValueError(f"of {len(weights)} weights none is above 0")
        keep, other = _alias(np.where(weights > 0, weights, 0) ** self.power * (weights > 0))
        object.__setattr__(self, "_keep", keep)
        object.__setattr__(self, "_other", other)

    def __len__(self) -> int:
        return len(self._keep)

    @property
    def probs(self) -> np.ndarray:
        """The chance of each index, (N,)."""
        share = np.bincount(self._other, 1 - self._keep, len(self))
        return (self._keep + share) / len(self)

    def __call__(self, shape: int | tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Independent draws, int64, of the given shape."""
        slots = rng.integers(len(self), size=shape)
        return np.where(rng.random(shape) < self._keep[slots], slots, self._other[slots])


def _alias(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fills each slot up to the mean with what another has too much."""
    size = len(weights)
    keep = weights * (size / weights.sum())
    other = np.arange(size)
    small = np.flatnonzero(keep < 1).tolist()
    large = np.flatnonzero(keep >= 1).tolist()
    while small and large:
        low, high = small.pop(), large[-1]
        other[low] = high
        keep[high] -= 1 - keep[low]
        if keep[high] < 1:
            small.append(large.pop())
    keep[small + large] = 1  # what rounding left
    return keep, other
