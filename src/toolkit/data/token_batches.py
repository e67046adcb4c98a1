"""Batches of as many samples as hold a number of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from toolkit.data.generators import natural, order_rng


@dataclass(frozen=True, eq=False)
class TokenBatches:
    """Batches of samples of like length that hold at most so many tokens, padding included.

    Samples are sorted by length, equal lengths in random order, and cut where the next one would
    make a batch too large; then the batches are shuffled. A sample that is longer than a batch is
    a batch of its own.

    Raises:
        ValueError: no lengths, or a field out of range.
    """

    lengths: Sequence[int] | np.ndarray = field(repr=False)  # one a sample
    tokens: int  # of a batch
    most: int | None = None  # samples of a batch, however short
    shuffle: bool = True  # False: longest first, the same in each epoch
    seed: int = 0

    def __post_init__(self) -> None:
        lengths = np.asarray(self.lengths)
        if lengths.ndim != 1 or not len(lengths) or lengths.dtype.kind not in "iu":
            raise ValueError(
                f"lengths must be whole numbers, one a sample, not {lengths.dtype} of shape "
                f"{lengths.shape}"
            )
        if lengths.min() < 0:
            raise ValueError(f"lengths must be 0 or more, got {lengths.min()}")
        object.__setattr__(self, "lengths", lengths)
        natural("tokens", self.tokens, least=1)
        natural("seed", self.seed)
        if self.most is not None:
            natural("most", self.most, least=1)

    def __len__(self) -> int:
        return len(self._cuts())

    def batches(self, epoch: int) -> list[np.ndarray]:
        """The batches of an epoch."""
        natural("epoch", epoch)
        lengths = np.asarray(self.lengths)
        rng = order_rng(self.seed, epoch)
        order = rng.permutation(len(lengths)) if self.shuffle else np.arange(len(lengths))
        order = order[np.argsort(-lengths[order], kind="stable")]
        batches = np.split(order, self._cuts()[1:])
        return [batches[i] for i in rng.permutation(len(batches))] if self.shuffle else batches

    def _cuts(self) -> list[int]:
        """Where batches begin among the samples, longest first: the same whatever their order."""
        lengths = np.sort(np.asarray(self.lengths))[::-1]
        cuts, place = [], 0
        while place < len(lengths):
            cuts.append(place)
            count = self.tokens // max(int(lengths[place]), 1)
            place += max(1, count if self.most is None else min(count, self.most))
        return cuts
