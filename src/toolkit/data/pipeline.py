"""From indices to a batch: data set, transform and batchify as one thing that can be pickled."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.data.batchify import Batchify
from toolkit.data.generators import batch_rng, sample_rng

logger = logging.getLogger(__name__)


class LoadingError(RuntimeError):
    """A sample could not be loaded, or samples not be put together; ``indices`` says which.

    Where a worker process failed, the message ends with the worker's traceback.
    """

    def __init__(self, message: str, epoch: int, indices: tuple[int, ...]) -> None:
        super().__init__(message)
        self.epoch = epoch
        self.indices = indices

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.epoch, self.indices)


@dataclass(frozen=True)
class Made:
    """One batch, and how it came about."""

    batch: Any  # None where every sample was skipped
    skipped: tuple[int, ...] = ()  # indices of samples that failed and were left out


@dataclass(frozen=True)
class Pipeline:
    """Makes batches; the same in this process and in workers."""

    dataset: Any
    transform: Callable[..., Any] | None
    batchify: Batchify
    seed: int
    skip: bool  # samples that fail are left out instead of ending everything
    rng_as: str | None  # how the transform takes a generator: "position", "name", None: not at all
    batch_transform: Callable[..., Any] | None = None  # of the whole batch
    batch_rng_as: str | None = None

    def make(self, epoch: int, indices: Sequence[int]) -> Made:
        """The batch of these samples; raises LoadingError."""
        samples, skipped = [], []
        for index in indices:
            try:
                samples.append(self._sample(epoch, index))
            except Exception as error:
                if not self.skip:
                    raise _explained(f"sample {index}", error, epoch, (index,)) from error
                logger.warning("sample %d of epoch %d is skipped: %s", index, epoch, error)
                skipped.append(index)
        if not samples:
            return Made(None, tuple(skipped))
        used = tuple(i for i in indices if i not in skipped)
        try:
            return Made(self._batch(epoch, used, samples), tuple(skipped))
        except Exception as error:
            raise _explained(f"the batch of samples {few(used)}", error, epoch, used) from error

    def _sample(self, epoch: int, index: int) -> Any:
        sample = self.dataset[index]
        if self.transform is None:
            return sample
        return _called(
            self.transform, self.rng_as, sample, lambda: sample_rng(self.seed, epoch, index)
        )

    def _batch(self, epoch: int, indices: Sequence[int], samples: list[Any]) -> Any:
        batch = self.batchify(samples)
        if self.batch_transform is None:
            return batch
        return _called(
            self.batch_transform,
            self.batch_rng_as,
            batch,
            lambda: batch_rng(self.seed, epoch, indices),
        )


def _called(
    function: Callable[..., Any],
    rng_as: str | None,
    value: Any,
    make_rng: Callable[[], np.random.Generator],
) -> Any:
    if rng_as is None:
        return function(value)
    return function(value, rng=make_rng()) if rng_as == "name" else function(value, make_rng())


def how_rng_is_taken(transform: Callable[..., Any] | None) -> str | None:
    """Whether a transform is called with a generator: one that names a parameter ``rng`` is.

    So is one that needs two arguments, whatever their names. Builtins, which show no signature,
    are called with the sample alone.

    Raises:
        TypeError: it can be called neither with a sample alone nor with a sample and a generator.
    """
    if transform is None:
        return None
    if not callable(transform):
        raise TypeError(f"transform {transform!r} cannot be called")
    try:
        signature = inspect.signature(transform)
    except ValueError:
        return None
    if "rng" in signature.parameters and _binds(signature, "sample", rng="rng"):
        return "name"
    if _binds(signature, "sample"):
        return None
    if _binds(signature, "sample", "rng"):
        return "position"
    raise TypeError(
        f"transform {transform!r} takes {signature}; it is called as transform(sample) or "
        "transform(sample, rng)"
    )


def _binds(signature: inspect.Signature, *args: str, **kwargs: str) -> bool:
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def few(indices: Sequence[int]) -> str:
    """Some indices for a message."""
    names = ", ".join(str(int(index)) for index in indices[:8])
    return names + (f" and {len(indices) - 8} more" if len(indices) > 8 else "")


def _explained(what: str, error: Exception, epoch: int, indices: tuple[int, ...]) -> LoadingError:
    reason = f"{type(error).__name__}: {error}"
    return LoadingError(f"{what} of epoch {epoch} could not be loaded: {reason}", epoch, indices)
