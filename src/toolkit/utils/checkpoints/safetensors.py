"""The safetensors format: a JSON header, then the numbers in one block without holes.

Eight bytes of header length, the header (name to dtype, shape and offsets in the block), the block.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from toolkit.utils.checkpoints.elements import ELEMENTS, Element
from toolkit.utils.checkpoints.source import Cursor, Source, brief

MAX_HEADER = 100_000_000  # the format's own limit
METADATA = "__metadata__"
NAMES = {
    "BOOL": "bool",
    **{f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
    **{f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
    "C64": "complex64",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2": "float8_e5m2",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
}
Entry = tuple[Element, list[int], tuple[int, int]]


def read_safetensors(source: Source) -> dict[str, np.ndarray]:
    """Reads every tensor, in the order of the header; BF16 and 8-bit floats become float32."""
    header, start = _header(source)
    header.pop(METADATA, None)
    entries = {name: _entry(source, name, entry) for name, entry in header.items()}
    _check_cover(source, [(*span, name) for name, (_, _, span) in entries.items()], start)
    arrays: dict[str, np.ndarray] = {}
    for name, (element, shape, (begin, end)) in entries.items():
        what = f"tensor {name!r}"
        if source.count(shape, what) * element.size != end - begin:
            raise source.error(f"{what}: {end - begin} bytes do not make up {brief(header[name])}")
        arrays[name] = source.array(start + begin, element, shape, what)
    return arrays


def _header(source: Source) -> tuple[dict[str, Any], int]:
    cursor = Cursor(source)
    length = cursor.field("Q", "the header's length")
    if length > MAX_HEADER:
        raise source.error(f"a header of {length} bytes; at most {MAX_HEADER} are allowed", 0)
    raw = cursor.take(length, "the header").tobytes()
    try:
        header = json.loads(raw.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise source.error(f"the header is not valid JSON: {error}", 8) from error
    if not raw.startswith(b"{") or not isinstance(header, dict):
        raise source.error("the header is not a JSON object", 8)
    return header, cursor.offset


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError(f"a name twice among {brief([name for name, _ in pairs])}")
    return values


def _entry(source: Source, name: str, entry: Any) -> Entry:
    """An entry's number type, shape and data_offsets, each of the right kind."""
    fields = entry if isinstance(entry, dict) else {}
    dtype: Any
    shape: Any
    offsets: Any
    dtype, shape, offsets = (fields.get(key) for key in ("dtype", "shape", "data_offsets"))
    if not isinstance(dtype, str) or dtype not in NAMES:
        allowed = ", ".join(NAMES)
        raise source.error(f"tensor {name!r} has the dtype {brief(dtype)}; read are {allowed}")
    if not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2:
        raise source.error(f"tensor {name!r} has a wrong shape or data_offsets: {brief(entry)}")
    return ELEMENTS[NAMES[dtype]], shape, (offsets[0], offsets[1])


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(size) is int and size >= 0 for size in value)


def _check_cover(source: Source, spans: list[tuple[int, int, str]], start: int) -> None:
    """The tensors must fill the data without holes and without sharing a byte."""
    at = 0
    for begin, end, name in sorted(spans):
        if begin != at:
            problem = "overlaps another one" if begin < at else "leaves a hole before it"
            raise source.error(f"tensor {name!r} {problem}", start + begin)
        at = end
    if start + at != source.size:
        raise source.error(f"{source.size - start - at} bytes after the last tensor", start + at)
