"""Puts samples into batches: NumPy arrays in, NumPy arrays out.

Each of these is called with a list of samples and is a ``batchify_fn`` of Gluon's ``DataLoader``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

    With ``round_to`` the padded axes are made longer still, up to a multiple of it: fewer different
    shapes for whoever compiles a graph for each. With ``ret_length`` the result is ``(batch,
    lengths)``; lengths are int32, (N,), or (N, axes) where ``axis`` is a tuple.

    Raises:
        ValueError: shapes that differ elsewhere than in ``axis``, samples that are ragged in
            themselves, or no samples at all.
    """

    axis: int | tuple[int, ...] = 0  # of a sample, where lengths may differ
    value: float = 0  # what fills the rest
    ret_length: bool = False
    dtype: Any = None
    round_to: int | None = None

    def __post_init__(self) -> None:
        if self.round_to is not None and self.round_to < 1:
            raise ValueError(f"round_to {self.round_to!r} is neither None nor 1 or more")

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
        for axis in axes:
            shape[axis] += -shape[axis] % (self.round_to or 1)
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


@dataclass(frozen=True, init=False)
class Dict:
    """Applies one function to each named field of the samples, which are mappings.

    Fields of the samples that have no function are left out of the batch, a dict.

    Raises:
        ValueError: a sample that is no mapping or lacks a field.
    """

    fns: Mapping[str, Batchify]

    def __init__(self, fns: Mapping[str, Batchify]) -> None:
        object.__setattr__(self, "fns", dict(fns))

    def __call__(self, samples: Sequence[Any]) -> dict[str, Any]:
        """Splits one batch into its fields, each put together by its own function."""
        for index, sample in enumerate(samples):
            if not isinstance(sample, Mapping):
                raise ValueError(f"sample {index} is no mapping but {type(sample).__name__}")
            missing = [name for name in self.fns if name not in sample]
            if missing:
                raise ValueError(
                    f"sample {index} has no field {', '.join(map(repr, missing))}; it has "
                    f"{', '.join(map(repr, sample)) or 'none'}"
                )
        return {name: fn([sample[name] for sample in samples]) for name, fn in self.fns.items()}


@dataclass(frozen=True)
class Append:
    """A list of the samples as arrays, each with a batch axis of its own: for different shapes."""

    expand: bool = True  # False: the samples' own axes only
    batch_axis: int = 0
    dtype: Any = None

    def __call__(self, samples: Sequence[Any]) -> list[np.ndarray]:
        """The arrays of one batch."""
        arrays = _arrays(samples, self.dtype)
        return [np.expand_dims(a, self.batch_axis) for a in arrays] if self.expand else arrays


@dataclass(frozen=True)
class StackFields:
    """Stacks each field of samples that are tuples, lists or mappings, nested to any depth.

    Tuples and lists become tuples, mappings dicts; everything else is stacked.

    Raises:
        ValueError: samples of different structure or of different shapes, or none at all.
    """

    def __call__(self, samples: Sequence[Any]) -> Any:
        """Stacks one batch."""
        first = samples[0] if len(samples) else None
        if isinstance(first, (tuple, list)):
            return Tuple(*[self] * len(first))(samples)
        if isinstance(first, Mapping):
            return Dict(dict.fromkeys(first, self))(samples)
        return Stack()(samples)


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
    try:
        return np.asarray(sample, dtype)
    except ValueError as error:  # NumPy speaks of inhomogeneous parts
        raise ValueError(
            f"a sample is no array: {type(sample).__name__} of {len(sample)} parts ({error})"
            if isinstance(sample, (tuple, list))
            else f"a sample is no array: {error}"
        ) from error


def _some(shapes: set[tuple[int, ...]]) -> str:
    """A few shapes for a message."""
    names = [str(shape) for shape in sorted(shapes)]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
