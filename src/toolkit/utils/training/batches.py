"""Batches on their way to the devices, and loaders of any kind as epochs of batches."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import mxnet as mx
import numpy as np


class Loader(Protocol):
    """Epochs of batches, each decided by its number."""

    def __len__(self) -> int:
        """The number of batches of an epoch."""

    def batches(self, epoch: int, start: int = 0) -> Iterator[Any]:
        """The batches of an epoch, from number ``start`` on."""


class _Iterable:
    """What can only be iterated: earlier batches of an epoch are made and dropped."""

    def __init__(self, iterable: Any) -> None:
        self._iterable = iterable

    def __len__(self) -> int:
        return len(self._iterable)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Any]:
        return itertools.islice(iter(self._iterable), start, None)


def as_loader(loader: Any) -> Loader:
    """A loader as it is; a list of batches, or Gluon's ``DataLoader``, as a loader.

    Raises:
        TypeError: there is no length, or only one pass.
        ValueError: there are no batches.
    """
    if not hasattr(loader, "__len__"):
        raise TypeError(
            f"{type(loader).__name__} has no length: a loader has len(loader) and "
            "loader.batches(epoch, start), or is a sequence of batches"
        )
    if not len(loader):
        raise ValueError(
            f"the loader has no batches: its data set is empty, or smaller than one batch where "
            f"the last one is discarded: {loader!r}"
        )
    return loader if hasattr(loader, "batches") else _Iterable(loader)


def to_context(batch: Any, context: mx.Context) -> Any:
    """A batch with its arrays on a device; tuples, lists and dicts keep their form.

    Types stay as they are, but for float64, which becomes float32. What is no array is handed on.
    """
    if isinstance(batch, mx.nd.NDArray):
        return batch.as_in_context(context)
    if isinstance(batch, np.ndarray):
        dtype = np.float32 if batch.dtype == np.float64 else batch.dtype
        return mx.nd.array(batch, context, dtype)
    return _each(batch, lambda field: to_context(field, context))


def split(batch: Any, parts: int) -> list[Any]:
    """Cuts a batch into parts as equal as can be, one for each device.

    A tuple, a dict or an outermost list holds fields; a list in a field holds one entry a sample.

    Raises:
        ValueError: fields differ in their numbers of samples, or have fewer than ``parts``.
    """
    if parts == 1:
        return [batch]
    sizes = {len(field) for field in _fields(batch)}
    if len(sizes) != 1:
        raise ValueError(f"the fields of a batch have {sorted(sizes)} samples, not equally many")
    size = sizes.pop()
    if size < parts:
        raise ValueError(f"a batch of {size} samples cannot be split over {parts} devices")
    bounds = [size * part // parts for part in range(parts + 1)]
    return [_cut(batch, begin, end) for begin, end in itertools.pairwise(bounds)]


def spread(batch: Any, contexts: Sequence[mx.Context], *, fewer: bool = False) -> list[Any]:
    """Puts equal parts of a batch on the devices; ``fewer`` lets a small batch leave some out."""
    parts = min(len(contexts), count_samples(batch)) if fewer else len(contexts)
    return [
        to_context(part, context)
        for part, context in zip(split(batch, max(parts, 1)), contexts, strict=False)
    ]


def count_samples(batch: Any) -> int:
    """The number of samples of a batch: the length of its first field, 0 where there is none."""
    return len(next(_fields(batch), ()))


def _fields(batch: Any, *, inside: bool = False) -> Iterator[Any]:
    """The arrays and lists of samples of a batch."""
    if isinstance(batch, (np.ndarray, mx.nd.NDArray)) or (inside and isinstance(batch, list)):
        yield batch
    elif isinstance(batch, (tuple, list, dict)):
        for field in batch.values() if isinstance(batch, dict) else batch:
            yield from _fields(field, inside=True)


def _cut(batch: Any, begin: int, end: int, *, inside: bool = False) -> Any:
    if isinstance(batch, (np.ndarray, mx.nd.NDArray)) or (inside and isinstance(batch, list)):
        return batch[begin:end]
    return _each(batch, lambda field: _cut(field, begin, end, inside=True))


def _each(batch: Any, function: Callable[[Any], Any]) -> Any:
    """Applies a function to the fields of a batch; what has none stays as it is."""
    if isinstance(batch, dict):
        return {key: function(value) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*map(function, batch))
    if isinstance(batch, (tuple, list)):
        return type(batch)(map(function, batch))
    return batch
