"""MXNet's ``.params`` and ``.nd`` files, in every version that was ever on disk.

A list file (magic 0x112) holds arrays, then their names. Each array begins with its version:

- none (2015): the number of dimensions, which are 32-bit,
- V1: dimensions are 64-bit,
- V2: a storage type as well (dense, row_sparse, csr),
- V3: as V2 under NumPy's shape semantics, in which no dimensions is a scalar, not "no array".
"""

from __future__ import annotations

import numpy as np

from toolkit.utils.checkpoints.elements import ELEMENTS, Element
from toolkit.utils.checkpoints.source import MAX_DIMENSIONS, Cursor, Source
from toolkit.utils.checkpoints.sparse import place_csr, place_rows

LIST_MAGIC = 0x112
V1, V2, V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
DENSE, ROW_SPARSE, CSR = 0, 1, 2
AUXILIARY = {DENSE: 0, ROW_SPARSE: 1, CSR: 2}  # index arrays of each storage type
TYPE_FLAGS: tuple[str, ...] = (
    *("float32", "float64", "float16", "uint8", "int32", "int8", "int64", "bool"),
    *("int16", "uint16", "uint32", "uint64", "bfloat16"),
)


def read_params(source: Source) -> dict[str, np.ndarray]:
    """Reads a list file: names as they are (``arg:``, ``aux:`` included), sparse arrays dense.

    Arrays without names are called ``"0"``, ``"1"``, ...; entries that hold no array at all (an
    uninitialized NDArray) are left out.
    """
    cursor = Cursor(source)
    magic, _, count = cursor.fields("QQQ", "the header")
    if magic != LIST_MAGIC:
        raise source.error(f"it begins with {magic:#x}, not with {LIST_MAGIC:#x}", 0)
    values: list[np.ndarray | None] = []
    while len(values) < count:  # a hostile count runs into the end of the file, nothing else
        values.append(_array(cursor, f"array {len(values) + 1} of {count}"))
    names = _names(cursor, count)
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


def _names(cursor: Cursor, count: int) -> list[str]:
    start = cursor.offset
    given = cursor.field("Q", "the number of names")
    if given == 0:
        return [str(index) for index in range(count)]
    if given != count:
        raise cursor.source.error(f"{given} names for {count} arrays", start)
    names: list[str] = []
    while len(names) < given:
        what = f"name {len(names) + 1} of {given}"
        raw = cursor.take(cursor.field("Q", what), what)
        try:
            names.append(raw.tobytes().decode())
        except UnicodeDecodeError as error:
            raise cursor.source.error(f"{what} is not text", cursor.offset - len(raw)) from error
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise cursor.source.error(f"two arrays are named {twice!r}")
    return names


def _array(cursor: Cursor, what: str) -> np.ndarray | None:
    version = cursor.field("I", what)
    if version in (V2, V3):
        return _versioned(cursor, what, scalars=version == V3)
    if version == V1:
        shape = _shape(cursor, what, no_array=0)
    elif version <= MAX_DIMENSIONS:
        shape = cursor.fields(f"{version}I", what) or None
    else:
        message = f"{what} begins with {version:#x}, which is no known version"
        raise cursor.source.error(message, cursor.offset - 4)
    if shape is None:
        return None
    flag = cursor.fields("iii", what)[2]  # behind the device's type and number
    return _dense(cursor, shape, _element(cursor, flag, what), what)


def _versioned(cursor: Cursor, what: str, *, scalars: bool) -> np.ndarray | None:
    storage = cursor.field("i", what)
    if storage not in AUXILIARY:
        message = f"{what} has the unknown storage type {storage}"
        raise cursor.source.error(message, cursor.offset - 4)
    stored = _shape(cursor, what) if storage != DENSE else None
    shape = _shape(cursor, what, no_array=-1 if scalars else 0)
    if shape is None:
        return None
    element = _element(cursor, cursor.fields("iii", what)[2], what)
    if stored is None:
        return _dense(cursor, shape, element, what)
    index = f"an index of {what}"
    kinds = [
        (_element(cursor, cursor.field("i", index), index), _shape(cursor, index) or ())
        for _ in range(AUXILIARY[storage])
    ]
    values = _dense(cursor, stored, element, what)
    indices = [_dense(cursor, size, kind, index) for kind, size in kinds]
    place = place_rows if storage == ROW_SPARSE else place_csr
    return place(cursor.source, values, indices, shape, what)


def _shape(cursor: Cursor, what: str, no_array: int | None = None) -> tuple[int, ...] | None:
    """A 64-bit shape, or None where the number of dimensions says that there is no array."""
    dimensions = cursor.field("i", what)
    if dimensions == no_array:
        return None
    if not 0 <= dimensions <= MAX_DIMENSIONS:
        raise cursor.source.error(f"{what} has {dimensions} dimensions", cursor.offset - 4)
    return cursor.fields(f"{dimensions}q", what)


def _element(cursor: Cursor, flag: int, what: str) -> Element:
    if not 0 <= flag < len(TYPE_FLAGS):
        raise cursor.source.error(f"{what} has the unknown number type {flag}", cursor.offset - 4)
    return ELEMENTS[TYPE_FLAGS[flag]]


def _dense(cursor: Cursor, shape: tuple[int, ...], element: Element, what: str) -> np.ndarray:
    array = cursor.source.array(cursor.offset, element, shape, what)
    cursor.offset += array.size * element.size
    return array
