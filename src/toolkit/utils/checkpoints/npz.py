"""NumPy's ``.npy`` and ``.npz`` files, without the pickles that they may hold."""

from __future__ import annotations

import re
import struct

import numpy as np

from toolkit.utils.checkpoints.archive import Archive
from toolkit.utils.checkpoints.source import Source, brief

NPY_MAGIC = b"\x93NUMPY"
MAX_HEADER = 10_000  # NumPy's own limit
# The header is a Python literal of always these three; nothing of it is evaluated.
DESCR = re.compile(r"""['"]descr['"]\s*:\s*['"]([^'"]*)['"]""")
FORTRAN_ORDER = re.compile(r"""['"]fortran_order['"]\s*:\s*(True|False)""")
SHAPE = re.compile(r"""['"]shape['"]\s*:\s*\(([\d\s,L]*)\)""")
NUMBER = re.compile(r"[<>|=]?[biufc]\d{1,2}")


def read_npz(source: Source) -> dict[str, np.ndarray]:
    """Reads the arrays of an ``.npz`` by name; a bare ``.npy`` gives one array called ``"0"``."""
    if source.data[: len(NPY_MAGIC)].tobytes() == NPY_MAGIC:
        return {"0": _array(source, source.data, "the array")}
    archive = Archive(source)
    arrays: dict[str, np.ndarray] = {}
    for name in archive.names:
        if not name.endswith(".npy"):
            raise source.error(f"member {name!r} is not an array")
        arrays[name.removesuffix(".npy")] = _array(source, archive.read(name), f"array {name!r}")
    return arrays


def _array(source: Source, raw: np.ndarray, what: str) -> np.ndarray:
    try:
        header, start = _header(raw)
        dtype, shape, columns_first = _layout(header)
    except (ValueError, TypeError) as error:
        raise source.error(f"{what}: {error}") from error
    nbytes = source.count(shape, what) * dtype.itemsize
    if len(raw) - start != nbytes:
        message = f"{what} of shape {shape} takes {nbytes} bytes, {len(raw) - start} are there"
        raise source.error(f"truncated or too long: {message}")
    values = raw[start:].view(dtype).reshape(shape, order="F" if columns_first else "C")
    usable = values.flags.aligned and values.flags.c_contiguous and dtype.isnative
    return values if usable else values.astype(dtype.newbyteorder("="), order="C")


def _header(raw: np.ndarray) -> tuple[str, int]:
    """The header's text, and where the numbers begin."""
    head = raw[: MAX_HEADER + 12].tobytes()
    if not head.startswith(NPY_MAGIC) or len(head) < 12:
        raise ValueError("it does not begin as a NumPy array does")
    if head[6] not in (1, 2, 3):
        raise ValueError(f"version {head[6]} of NumPy's format is unknown")
    layout, begin = ("<H", 10) if head[6] == 1 else ("<I", 12)
    (length,) = struct.unpack_from(layout, head, 8)
    if begin + length > len(head):
        raise ValueError(f"its header of {length} bytes is truncated or too long")
    text = head[begin : begin + length].decode("latin-1" if head[6] < 3 else "utf-8")
    return text, begin + length


def _layout(header: str) -> tuple[np.dtype, tuple[int, ...], bool]:
    kind, order, sizes = (part.search(header) for part in (DESCR, FORTRAN_ORDER, SHAPE))
    if kind is None or order is None or sizes is None:
        raise ValueError(f"no array of numbers; its header is {brief(header.strip())}")
    if "O" in kind[1]:
        raise ValueError("it holds Python objects, that is a pickle, which is not read")
    if not NUMBER.fullmatch(kind[1]):
        raise ValueError(f"it holds data of type {brief(kind[1])}; only numbers are read")
    shape = tuple(int(size) for size in sizes[1].replace("L", "").split(",") if size.strip())
    return np.dtype(kind[1]), shape, order[1] == "True"
