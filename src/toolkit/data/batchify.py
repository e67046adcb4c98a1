"""Puts samples into batches: NumPy arrays in, NumPy arrays out.

Each of these is called with a list of samples and is a ``batchify_fn`` of Gluon's ``DataLoader``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Batchify = Callable[[Sequence[Any]], Any]


@dataclass(frozen=True)
class Stack:
    """Stacks samples of one shape along a new first axis; Python floats become float32.

    Raises:
        ValueError: samples of different shapes, or none at all.
    """

    dtype: Any = None

    def __call__(self, samples: Sequence[Any]) -> np.ndarray:
        """Stacks one batch."""
        arrays = _arrays(samples, self.dtype)
        shapes = {array.shape for array in arrays}
        if len(shapes) > 1:
            raise ValueError(
                f"cannot stack samples of the shapes {_some(shapes)}; Pad makes them equal"
            )
        return np.stack(arrays)


@dataclass(frozen=True)
class Pad:
    """Pads samples to the longest of the batch, then stacks them along a new first axis.

    With ``ret_length`` the result is ``(batch, lengths)``; lengths are int32, (N,), or (N, axes)
    where ``axis`` is a tuple.

    Raises:
        ValueError: shapes that differ elsewhere than in ``axis``, or no samples at all.
    """

    axis: int | tuple[int, ...] = 0  # of a sample, where lengths may differ
    value: float = 0  # what fills the rest
    ret_length: bool = False
    dtype: Any = None

    def __call__(self, samples: Sequence[Any]) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Pads and stacks one batch."""
        arrays = _arrays(samples, self.dtype)
        axes = self._axes(arrays)
        shape = np.max([array.shape for array in arrays], axis=0)
        for array in arrays:
            if any(array.shape[i] != shape[i] for i in range(array.ndim) if i not in axes):
                shapes = _some({a.shape for a in arrays})
                raise ValueError(
                    f"cannot pad samples of the shapes {shapes} along axis {self.axis} alone"
                )
        batch = np.full((len(arrays), *shape), self.value, np.result_type(*arrays))
        for row, array in zip(batch, arrays, strict=True):
            row[tuple(slice(size) for size in array.shape)] = array
        if not self.ret_length:
            return batch
        lengths = np.array([[array.shape[i] for i in axes] for array in arrays], np.int32)
        return batch, lengths if isinstance(self.axis, tuple) else lengths[:, 0]

    def _axes(self, arrays: list[np.ndarray]) -> tuple[int, ...]:
        wanted = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        ranks = {array.ndim for array in arrays}
        rank = max(ranks)
        if len(ranks) > 1 or any(not -rank <= axis < rank for axis in wanted):
            shapes = _some({array.shape for array in arrays})
            raise ValueError(f"cannot pad axis {self.axis} of samples of the shapes {shapes}")
        return tuple(axis % rank for axis in wanted)


@dataclass(frozen=True, init=False)
class Tuple:
    """Applies one function to each field of the samples, which are tuples.

    Raises:
        ValueError: a sample that has not as many fields as there are functions.
    """

    fns: tuple[Batchify, ...]

    def __init__(self, *fns: Batchify) -> None:
        object.__setattr__(self, "fns", fns)

    def __call__(self, samples: Sequence[Any]) -> tuple[Any, ...]:
        """Splits one batch into its fields, each put together by its own function."""
        for index, sample in enumerate(samples):
            if not isinstance(sample, (tuple, list)) or len(sample) != len(self.fns):
                fields = (
                    f"{len(sample)} fields" if isinstance(sample, (tuple, list)) else "no tuple"
                )
                raise ValueError(
                    f"sample {index} has {fields}, Tuple has {len(self.fns)} functions"
                )
        return tuple(fn([sample[i] for sample in samples]) for i, fn in enumerate(self.fns))


@dataclass(frozen=True)
class List:
    """Leaves the samples as they are, in a list: for what cannot be stacked."""

    def __call__(self, samples: Sequence[Any]) -> list[Any]:
        """A list of the samples."""
        return list(samples)


def _arrays(samples: Sequence[Any], dtype: Any) -> list[np.ndarray]:
    if not len(samples):
        raise ValueError("a batch needs at least one sample, not 0")
    return [_array(sample, dtype) for sample in samples]


def _array(sample: Any, dtype: Any) -> np.ndarray:
    if hasattr(sample, "asnumpy"):  # an array of MXNet
        sample = sample.asnumpy()
    if dtype is None and isinstance(sample, float) and not isinstance(sample, np.generic):
        dtype = np.float32
    return np.asarray(sample, dtype)


def _some(shapes: set[tuple[int, ...]]) -> str:
    """A few shapes for a message."""
    names = [str(shape) for shape in sorted(shapes)]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
