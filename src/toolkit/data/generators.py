"""Random generators of data loading: each a pure function of a seed and of what it is drawn for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ORDER, SAMPLE, BATCH = 1, 2, 3  # so that no two purposes share a stream


def order_rng(seed: int, epoch: int) -> np.random.Generator:
    """What shuffles the samples of an epoch."""
    return np.random.default_rng([ORDER, natural("seed", seed), natural("epoch", epoch)])


def sample_rng(seed: int, epoch: int, index: int) -> np.random.Generator:
    """What augments one sample of an epoch, whichever process does it."""
    return np.random.default_rng([SAMPLE, seed, epoch, index])


def batch_rng(seed: int, epoch: int, indices: Sequence[int]) -> np.random.Generator:
    """What augments the batch of these samples as a whole."""
    return np.random.default_rng([BATCH, seed, epoch, *indices])


def natural(name: str, value: int, least: int = 0) -> int:
    """The value as an int; raises ValueError where it is no whole number from ``least`` on."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} {value!r} is not a whole number from {least} on")
    return int(value)
