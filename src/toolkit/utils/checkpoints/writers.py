"""Writes arrays as MXNet ``.params`` or ``.safetensors``: the same arrays, the same bytes."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from toolkit.utils.checkpoints.elements import ELEMENTS
from toolkit.utils.checkpoints.params import DENSE, LIST_MAGIC, TYPE_FLAGS, V2
from toolkit.utils.checkpoints.safetensors import METADATA, NAMES
from toolkit.utils.files import atomic_write

CPU = (1, 0)  # MXNet's device type and id
PARAMS_FLAGS = {np.dtype(name): flag for flag, name in enumerate(TYPE_FLAGS[:8])}
SAFETENSORS_NAMES = {
    ELEMENTS[kind].dtype("="): name for name, kind in NAMES.items() if ELEMENTS[kind].widen is None
}


def write_params(path: str | Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes MXNet's list format (V2), for ``mx.nd.load`` and ``net.load_parameters``.

    Args:
        path: the file; it is replaced at once, or not at all.
        arrays: arrays of at least one dimension by name, in the order to be written in.

    Raises:
        ValueError: an array is of a type or shape that MXNet's format cannot hold.
    """
    entries = {name: np.asarray(array) for name, array in arrays.items()}
    for name, array in entries.items():
        _check_dtype(name, array, PARAMS_FLAGS)
        if array.ndim == 0:
            raise ValueError(f"array {name!r} is 0-d, which means 'no array' in MXNet: use (1,)")
    with atomic_write(Path(path), "wb") as file:
        file.write(struct.pack("<QQQ", LIST_MAGIC, 0, len(entries)))
        for array in entries.values():
            shape = struct.pack(f"<i{array.ndim}q", array.ndim, *array.shape)
            flag = PARAMS_FLAGS[array.dtype.newbyteorder("=")]
            file.write(struct.pack("<Ii", V2, DENSE) + shape + struct.pack("<iii", *CPU, flag))
            file.write(_bytes(array))
        file.write(struct.pack("<Q", len(entries)))
        for name in entries:
            raw = name.encode()
            file.write(struct.pack("<Q", len(raw)) + raw)


def write_safetensors(
    path: str | Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None
) -> None:
    """Writes the safetensors format: wider numbers first, then by name.

    Args:
        path: the file; it is replaced at once, or not at all.
        arrays: arrays by name.
        metadata: words to keep with them.

    Raises:
        ValueError: an array is of a type that the format cannot hold, or is named like metadata.
    """
    entries = {name: np.asarray(array) for name, array in arrays.items()}
    for name, array in entries.items():
        _check_dtype(name, array, SAFETENSORS_NAMES)
        if name == METADATA:
            raise ValueError(f"an array cannot be named {METADATA!r}")
    names = sorted(entries, key=lambda name: (-entries[name].itemsize, name))
    header: dict[str, object] = {METADATA: dict(sorted(metadata.items()))} if metadata else {}
    end = 0
    for name in names:
        array, begin = entries[name], end
        end += array.nbytes
        dtype = SAFETENSORS_NAMES[array.dtype.newbyteorder("=")]
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # so that the numbers are aligned
    with atomic_write(Path(path), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in names:
            file.write(_bytes(entries[name]))


def _check_dtype(name: str, array: np.ndarray, known: Mapping[np.dtype, object]) -> None:
    if array.dtype.newbyteorder("=") not in known:
        allowed = ", ".join(str(dtype) for dtype in known)
        raise ValueError(f"array {name!r} is of type {array.dtype}; allowed are {allowed}")


def _bytes(array: np.ndarray) -> memoryview:
    """The numbers in C order, little-endian."""
    little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
    return little.reshape(-1).view(np.uint8).data
