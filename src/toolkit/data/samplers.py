"""Which samples make up the batches of an epoch.

Each sampler is a frozen dataclass. ``batches(epoch)`` gives the whole epoch as a list of arrays of
indices and is a pure function of the fields and the epoch; ``len`` is how many batches that are,
the same in each epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

import numpy as np

from toolkit.data.generators import natural, order_rng
from toolkit.utils.registry import unknown

LAST = ("keep", "discard", "fill")
Widths = Callable[[int], np.ndarray]
# How wide the buckets are, from the shortest lengths to the longest; only proportions matter.
WIDTHS: Mapping[str, Widths] = MappingProxyType(
    {
        "constant": lambda count: np.ones(count),
        "linear": lambda count: np.arange(1.0, count + 1),
        "exponential": lambda count: 1.1 ** np.arange(count),
    }
)


class Sampler(Protocol):
    """What a loader asks of a sampler."""

    def batches(self, epoch: int) -> list[np.ndarray]:
        """The batches of an epoch: arrays of indices, (N,) int64."""
        ...

    def __len__(self) -> int: ...


def spread_evenly(size: int, count: int | None = None) -> list[int]:
    """The places of ``count`` of ``size`` samples, from the first to the last.

    Of all where there are no more, or where no count is given.
    """
    return np.linspace(0, size - 1, min(count or size, size)).astype(int).tolist()


@dataclass(frozen=True)
class SequentialBatches:
    """All samples in their order, ``batch_size`` at a time.

    Raises:
        ValueError: no samples, or a discarded last batch would leave none.
    """

    size: int  # number of samples
    batch_size: int
    last: str = "keep"  # of a last batch that is short: "keep", "discard", "fill" from the start

    def __post_init__(self) -> None:
        check_batches(self.size, self.batch_size, self.last)

    def __len__(self) -> int:
        return count_batches(self.size, self.batch_size, self.last)

    def batches(self, epoch: int) -> list[np.ndarray]:
        """The batches, the same in each epoch."""
        natural("epoch", epoch)
        return cut(np.arange(self.size), self.batch_size, self.last)


@dataclass(frozen=True)
class ShuffledBatches:
    """All samples in an order that ``seed`` and the epoch decide, ``batch_size`` at a time.

    Raises:
        ValueError: no samples, or a discarded last batch would leave none.
    """

    size: int  # number of samples
    batch_size: int
    last: str = "keep"  # of a last batch that is short: "keep", "discard", "fill" from the start
    seed: int = 0

    def __post_init__(self) -> None:
        check_batches(self.size, self.batch_size, self.last)
        natural("seed", self.seed)

    def __len__(self) -> int:
        return count_batches(self.size, self.batch_size, self.last)

    def batches(self, epoch: int) -> list[np.ndarray]:
        """The batches of an epoch."""
        order = order_rng(self.seed, epoch).permutation(self.size)
        return cut(order, self.batch_size, self.last)


@dataclass(frozen=True)
class ShardedBatches:
    """What one of several processes takes of another sampler; all take equally many batches.

    With ``split="samples"`` each batch is cut into equal parts, one a process: together they see
    what one process would. With ``split="batches"`` the processes take turns at whole batches.
    What does not divide evenly is filled up by repeating its beginning.

    Raises:
        ValueError: a rank that is not below ``size``, an unknown split.
    """

    sampler: Sampler
    rank: int  # of this process, from 0
    size: int  # number of processes
    split: str = "samples"  # "samples" or "batches"

    def __post_init__(self) -> None:
        natural("size", self.size, least=1)
        if natural("rank", self.rank) >= self.size:
            raise ValueError(f"rank {self.rank} is not below the number of processes, {self.size}")
        if self.split not in ("samples", "batches"):
            raise ValueError(unknown("split", self.split, ("samples", "batches")))

    def __len__(self) -> int:
        total = len(self.sampler)
        return total if self.split == "samples" else -(-total // self.size)

    def batches(self, epoch: int) -> list[np.ndarray]:
        """This process's batches of an epoch."""
        everyone = self.sampler.batches(epoch)
        if self.split == "samples":
            return [_share(batch, self.rank, self.size) for batch in everyone]
        turns = _share(np.arange(len(everyone)), self.rank, self.size)
        return [everyone[turn] for turn in turns]


@dataclass(frozen=True, eq=False)
class FixedBuckets:
    """Batches of samples of like length: lengths from shortest to longest are cut into buckets.

    Pad to the longest of a batch, and little is wasted. Short samples may come in larger batches:
    with ``ratio`` a bucket's batch is ``ratio * longest / bucket's longest`` times as large, but
    never smaller than ``batch_size``.

    Raises:
        ValueError: no lengths, a field out of range, or discarding would leave no batch.
    """

    lengths: Sequence[int] | np.ndarray = field(repr=False)  # one a sample
    batch_size: int
    buckets: int = 10  # at most; those that hold no sample are left out
    widths: str = "constant"  # a name in WIDTHS
    ratio: float = 0.0
    last: str = "keep"  # of each bucket's last batch
    shuffle: bool = True  # samples within buckets, and the order of the batches
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "lengths", _lengths(self.lengths))
        natural("buckets", self.buckets, least=1)
        natural("seed", self.seed)
        if self.widths not in WIDTHS:
            raise ValueError(unknown("widths", self.widths, WIDTHS))
        check_batches(len(self.lengths), self.batch_size, self.last)
        if not len(self):
            raise ValueError(
                f"no bucket holds a whole batch of {self.batch_size}, and last='discard' leaves "
                "none: fewer buckets, a smaller batch_size, or last='keep'"
            )

    def groups(self) -> list[np.ndarray]:
        """The indices of each bucket's samples, shortest bucket first."""
        lengths = np.asarray(self.lengths)
        ends = np.cumsum(WIDTHS[self.widths](self.buckets))
        span = lengths.max() - lengths.min() + 1
        edges = lengths.min() + span * (ends / ends[-1])[:-1]
        return _grouped(np.searchsorted(edges, lengths, side="right"))

    def __len__(self) -> int:
        sizes = [(len(group), self._batch_size(group)) for group in self.groups()]
        return sum(count_batches(size, batch_size, self.last) for size, batch_size in sizes)

    def batches(self, epoch: int) -> list[np.ndarray]:
        """The batches of an epoch."""
        groups = [(group, self._batch_size(group)) for group in self.groups()]
        return _cut_groups(groups, self.last, order_rng(self.seed, epoch) if self.shuffle else None)

    def _batch_size(self, group: np.ndarray) -> int:
        lengths = np.asarray(self.lengths)
        scale = self.ratio * lengths.max() / max(lengths[group].max(), 1)
        return max(int(scale * self.batch_size), self.batch_size)


@dataclass(frozen=True, eq=False)
class SortedBuckets:
    """Batches of samples of like length, sorted within pools of ``pool`` batches.

    Shuffled samples are taken a pool at a time, each pool is sorted and cut into batches, and the
    batches are shuffled: less padding than fixed buckets, less chance in what meets in a batch.

    Raises:
        ValueError: no lengths, or a field out of range.
    """

    lengths: Sequence[int] | np.ndarray = field(repr=False)  # one a sample
    batch_size: int
    pool: int = 100  # batches that are sorted together
    last: str = "keep"
    shuffle: bool = True  # False: everything in one pool, longest first
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "lengths", _lengths(self.lengths))
        natural("pool", self.pool, least=1)
        natural("seed", self.seed)
        check_batches(len(self.lengths), self.batch_size, self.last)

    def __len__(self) -> int:
        return count_batches(len(self.lengths), self.batch_size, self.last)

    def batches(self, epoch: int) -> list[np.ndarray]:
        """The batches of an epoch."""
        lengths = np.asarray(self.lengths)
        if not self.shuffle:
            natural("epoch", epoch)
            return cut(np.argsort(-lengths, kind="stable"), self.batch_size, self.last)
        rng = order_rng(self.seed, epoch)
        order = rng.permutation(len(lengths))
        step = self.batch_size * self.pool
        pools = [order[start : start + step] for start in range(0, len(order), step)]
        ordered = [pool[np.argsort(-lengths[pool], kind="stable")] for pool in pools]
        batches = cut(np.concatenate(ordered), self.batch_size, self.last)
        return [batches[i] for i in rng.permutation(len(batches))]


@dataclass(frozen=True, eq=False)
class AspectRatioBatches:
    """Batches of images of like aspect, so that padding them to one size wastes little.

    Raises:
        ValueError: no ratios, one that is not above 0, or discarding would leave no batch.
    """

    ratios: Sequence[float] | np.ndarray = field(repr=False)  # width over height, one a sample
    batch_size: int
    edges: tuple[float, ...] = (1.0,)  # groups are cut here: upright and lying pictures
    last: str = "keep"  # of each group's last batch
    shuffle: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        ratios = np.asarray(self.ratios, np.float64)
        if ratios.ndim != 1 or not np.all(ratios > 0):
            raise ValueError("ratios must be numbers above 0, one a sample: width over height")
        object.__setattr__(self, "ratios", ratios)
        natural("seed", self.seed)
        check_batches(len(ratios), self.batch_size, self.last)
        if not len(self):
            raise ValueError(
                f"no group holds a whole batch of {self.batch_size}, and last='discard' leaves none"
            )

    def groups(self) -> list[np.ndarray]:
        """The indices of each group's samples, narrowest first."""
        return _grouped(np.searchsorted(sorted(self.edges), self.ratios, side="right"))

    def __len__(self) -> int:
        return sum(count_batches(len(g), self.batch_size, self.last) for g in self.groups())

    def batches(self, epoch: int) -> list[np.ndarray]:
        """The batches of an epoch."""
        groups = [(group, self.batch_size) for group in self.groups()]
        return _cut_groups(groups, self.last, order_rng(self.seed, epoch) if self.shuffle else None)


def cut(order: np.ndarray, batch_size: int, last: str) -> list[np.ndarray]:
    """Consecutive pieces of ``batch_size``; ``last`` says what becomes of a short last one."""
    short = len(order) % batch_size
    if short and last == "discard":
        order = order[:-short]
    elif short and last == "fill":
        order = np.concatenate([order, np.resize(order, batch_size - short)])
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def count_batches(size: int, batch_size: int, last: str) -> int:
    """How many pieces ``cut`` makes."""
    return size // batch_size if last == "discard" else -(-size // batch_size)


def check_batches(size: int, batch_size: int, last: str) -> None:
    """Raises ValueError where these make no batch at all."""
    natural("batch_size", batch_size, least=1)
    if last not in LAST:
        raise ValueError(unknown("last", last, LAST))
    if not natural("size", size):
        raise ValueError("the data set is empty: there is nothing to make batches of")
    if last == "discard" and batch_size > size:
        raise ValueError(
            f"batch_size {batch_size} is more than the {size} samples, and last='discard' leaves "
            "no batch: use a smaller one, last='keep' or last='fill'"
        )


def _share(items: np.ndarray, rank: int, size: int) -> np.ndarray:
    """Every ``size``-th item from ``rank`` on, after filling up to a multiple of ``size``."""
    return np.resize(items, -(-len(items) // size) * size)[rank::size]


def _lengths(lengths: Sequence[int] | np.ndarray) -> np.ndarray:
    array = np.asarray(lengths)
    if array.ndim != 1 or (len(array) and (array.dtype.kind not in "iu" or array.min() < 0)):
        raise ValueError(
            f"lengths must be whole numbers from 0 on, one a sample, not {array.dtype} of shape "
            f"{array.shape}"
        )
    return array


def _grouped(keys: np.ndarray) -> list[np.ndarray]:
    """The indices of each distinct key, in the order of the keys."""
    order = np.argsort(keys, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(keys[order])) + 1)


def _cut_groups(
    groups: list[tuple[np.ndarray, int]], last: str, rng: np.random.Generator | None
) -> list[np.ndarray]:
    """Batches within groups; with ``rng`` samples and batches in random order."""
    batches = []
    for group, batch_size in groups:
        batches += cut(group if rng is None else rng.permutation(group), batch_size, last)
    return batches if rng is None else [batches[i] for i in rng.permutation(len(batches))]
