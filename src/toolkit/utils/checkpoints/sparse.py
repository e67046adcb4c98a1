"""MXNet's sparse arrays laid out densely; indices are checked before they are used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.utils.checkpoints.source import Source


def place_rows(
    source: Source, rows: np.ndarray, indices: Sequence[np.ndarray], shape: Sequence[int], what: str
) -> np.ndarray:
    """A row_sparse array: ``rows[i]`` is row ``indices[0][i]`` of the result."""
    (index,) = indices
    if not shape or rows.shape != (index.size, *shape[1:]) or index.ndim != 1:
        raise source.error(
            f"{what}: rows of shape {rows.shape} at {index.size} indices do not make up {shape}"
        )
    _check_indices(source, index, shape[0], what)
    dense = _zeros(source, shape, rows.dtype, what)
    dense[index] = rows
    return dense


def place_csr(
    source: Source, data: np.ndarray, indices: Sequence[np.ndarray], shape: Sequence[int], what: str
) -> np.ndarray:
    """A csr array: ``indices`` are where each row's part of the data begins, and the columns."""
    starts, columns = indices
    if len(shape) != 2 or starts.shape != (shape[0] + 1,) or data.shape != columns.shape:
        raise source.error(f"{what}: csr arrays that do not make up the shape {shape}")
    _check_indices(source, starts, data.size + 1, what)
    _check_indices(source, columns, shape[1], what)
    lengths = np.diff(starts)
    if data.ndim != 1 or starts[0] != 0 or starts[-1] != data.size or (lengths < 0).any():
        raise source.error(f"{what}: csr rows that do not follow one another")
    dense = _zeros(source, shape, data.dtype, what)
    dense[np.repeat(np.arange(shape[0]), lengths), columns] = data
    return dense


def _check_indices(source: Source, index: np.ndarray, limit: int, what: str) -> None:
    if index.dtype.kind not in "iu":
        raise source.error(f"{what}: indices of type {index.dtype}")
    if index.size and not 0 <= int(index.min()) <= int(index.max()) < limit:
        raise source.error(f"{what}: indices from {index.min()} to {index.max()}, {limit} allowed")


def _zeros(source: Source, shape: Sequence[int], dtype: np.dtype, what: str) -> np.ndarray:
    source.claim(source.count(shape, what) * dtype.itemsize, what)
    return np.zeros(shape, dtype)
