"""Batches of a data set, epoch by epoch, made in this process or in several others."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np

from toolkit.data.batchify import Batchify, StackFields
from toolkit.data.generators import natural
from toolkit.data.pipeline import Made, Pipeline, how_rng_is_taken
from toolkit.data.samplers import Sampler, SequentialBatches, ShuffledBatches
from toolkit.data.workers import WorkerError, WorkerPool
from toolkit.utils.registry import unknown

ON_ERROR = ("raise", "skip")
logger = logging.getLogger(__name__)


@dataclass
class State:
    """What changes while a loader is used."""

    epoch: int = 0  # the next one of ``__iter__``
    skipped: int = 0
    pool: WorkerPool | None = None


@dataclass(frozen=True, eq=False)
class DataLoader:
    """Loads samples, transforms them and puts them together.

    The batches of an epoch depend on ``seed`` and the epoch's number alone: neither on the number
    of workers nor on what was loaded before. Arrays made by workers arrive through shared memory
    without a copy. Workers start at the first batch and stay until ``close``, the end of a ``with``
    block, or until the loader is gone.

    Raises:
        ValueError: an empty data set, a discarded last batch that leaves none, options that
            contradict each other.
        TypeError: a transform of the wrong arguments; on iteration with workers, a data set,
            transform or batchify that cannot be pickled.
        LoadingError: on iteration, a sample could not be loaded; it names its index.
        WorkerError: on iteration, a worker process was killed or hung.
    """

    dataset: Any  # has a length and samples by index
    batch_size: int | None = None
    _: KW_ONLY
    shuffle: bool = False
    sampler: Sampler | None = None  # decides the batches, in place of batch_size, shuffle and last
    batchify: Batchify | None = None  # from a list of samples to a batch; by default StackFields
    transform: Callable[..., Any] | None = None  # transform(sample) or transform(sample, rng)
    batch_transform: Callable[..., Any] | None = None  # the same of a batch, after batchify
    workers: int = 0  # processes; 0: the calling one
    seed: int = 0  # of order and transforms
    last: str = "keep"  # of a last batch that is short: "keep", "discard", "fill" from the start
    prefetch: int = 2  # batches that each worker is ahead
    timeout: float | None = 600.0  # seconds to wait for a batch of a worker; None: for ever
    on_error: str = "raise"  # "skip": samples that fail are left out, counted and logged
    _state: State = field(default_factory=State, init=False, repr=False)
    _sampler: Sampler = field(init=False, repr=False)
    _pipeline: Pipeline = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name, least in (("workers", 0), ("seed", 0), ("prefetch", 1)):
            natural(name, getattr(self, name), least)
        if self.on_error not in ON_ERROR:
            raise ValueError(unknown("on_error", self.on_error, ON_ERROR))
        if self.timeout is not None and not self.timeout > 0:
            raise ValueError(f"timeout {self.timeout!r} is neither None nor seconds above 0")
        pipeline = Pipeline(
            dataset=self.dataset,
            transform=self.transform,
            batchify=self.batchify or StackFields(),
            seed=self.seed,
            skip=self.on_error == "skip",
            rng_as=how_rng_is_taken(self.transform),
            batch_transform=self.batch_transform,
            batch_rng_as=how_rng_is_taken(self.batch_transform),
        )
        object.__setattr__(self, "_sampler", self._choose_sampler())
        object.__setattr__(self, "_pipeline", pipeline)

    def _choose_sampler(self) -> Sampler:
        if not len(self.dataset):
            raise ValueError(f"the data set is empty: {self.dataset!r}")
        if self.sampler is not None:
            if self.batch_size is not None or self.shuffle or self.last != "keep":
                raise ValueError(
                    "a sampler decides the batches: give batch_size, shuffle and last to the "
                    "sampler, not to the loader"
                )
            return self.sampler
        if self.batch_size is None:
            raise ValueError("give a batch_size or a sampler")
        if self.shuffle:
            return ShuffledBatches(len(self.dataset), self.batch_size, self.last, self.seed)
        return SequentialBatches(len(self.dataset), self.batch_size, self.last)

    def __len__(self) -> int:
        """The number of batches of an epoch."""
        return len(self._sampler)

    def __iter__(self) -> Iterator[Any]:
        """The batches of epoch 0, the next time those of epoch 1, and so on."""
        epoch = self._state.epoch
        self._state.epoch += 1
        return self.batches(epoch)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Any]:
        """The batches of an epoch, from number ``start`` on: nested tuples of arrays.

        A batch whose samples are all skipped is left out.
        """
        order = self._sampler.batches(natural("epoch", epoch))
        if natural("start", start) > len(order):
            raise ValueError(f"start {start} is beyond the {len(order)} batches of an epoch")
        make = self._with_workers if self.workers else self._alone
        return self._handed_out(make(epoch, order[start:]))

    @property
    def skipped(self) -> int:
        """How many samples of the batches so far were left out because they failed."""
        return self._state.skipped

    def close(self) -> None:
        """Ends the worker processes; the next batch starts new ones."""
        if self._state.pool is not None:
            self._state.pool.close()
            self._state.pool = None

    def __enter__(self) -> DataLoader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _handed_out(self, results: Iterator[Made]) -> Iterator[Any]:
        for made in results:
            self._state.skipped += len(made.skipped)
            if made.batch is not None:
                batch = made.batch
                del made  # or its memory would not be free when the caller is done with it
                yield batch
                del batch

    def _alone(self, epoch: int, order: list[np.ndarray]) -> Iterator[Made]:
        return (self._pipeline.make(epoch, indices.tolist()) for indices in order)

    def _with_workers(self, epoch: int, order: list[np.ndarray]) -> Iterator[Made]:
        if self._state.pool is None:
            self._state.pool = WorkerPool(self._pipeline, self.workers, self.timeout)
        pool, waiting = self._state.pool, deque[int]()
        try:
            for indices in order:
                waiting.append(pool.submit(epoch, indices))
                if len(waiting) >= self.workers * self.prefetch:
                    yield pool.result(waiting.popleft())
            while waiting:
                yield pool.result(waiting.popleft())
        except WorkerError:
            self.close()
            raise
        finally:
            pool.forget(waiting)
