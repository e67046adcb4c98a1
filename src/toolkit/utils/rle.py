"""COCO's run-length form of masks: counts of pixels, column by column, 0s and 1s by turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


class RLEError(ValueError):
    """What should be a run-length mask is none."""


def encode_mask(mask: np.ndarray) -> dict[str, Any]:
    """A mask ``(H, W)`` as ``{"size": [H, W], "counts": text}``, as COCO's result files have it."""
    height, width = mask.shape
    flat = np.asarray(mask, bool).ravel(order="F")
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts = np.diff(np.concatenate([[0], edges, [flat.size]]))
    if flat.size and flat[0]:
        counts = np.concatenate([[0], counts])
    return {"size": [height, width], "counts": _pack(counts)}


def decode_mask(rle: Mapping[str, Any]) -> np.ndarray:
    """The mask ``(H, W)`` uint8 of a run-length one, whose counts are numbers or packed text.

    Raises:
        RLEError: it is none, or its counts do not fill its size.
    """
    try:
        height, width = (int(side) for side in rle["size"])
        counts = rle["counts"]
        numbers = _unpack(counts) if isinstance(counts, (str, bytes)) else np.asarray(counts, int)
    except (KeyError, TypeError, ValueError) as error:
        raise RLEError(f"no run-length mask of size and counts: {str(rle)[:80]}") from error
    if (numbers < 0).any() or numbers.sum() != height * width:
        raise RLEError(f"counts of {numbers.sum()} pixels do not fill {height} x {width}")
    values = np.arange(len(numbers), dtype=np.uint8) % 2
    return np.repeat(values, numbers).reshape(height, width, order="F")


def _pack(counts: Sequence[int] | np.ndarray) -> str:
    """Counts as text: from the fourth on as the difference to the one before the last.

    Five bits a character, the lowest first, in ASCII from "0" on; the sixth bit says that more
    follow, and the highest bit of the last is the sign.
    """
    text = []
    for place, count in enumerate(counts):
        value = int(count) - (int(counts[place - 2]) if place > 2 else 0)
        more = True
        while more:
            bits, value = value & 31, value >> 5
            more = value != (-1 if bits & 16 else 0)
            text.append(chr(48 + bits + 32 * more))
    return "".join(text)


def _unpack(text: str | bytes) -> np.ndarray:
    """The inverse of ``_pack``."""
    codes = text.encode("ascii") if isinstance(text, str) else text
    counts: list[int] = []
    value = shift = 0
    for code in codes:
        bits = code - 48
        if not 0 <= bits < 64:
            raise ValueError(f"{chr(code)!r} is no character of packed counts")
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            if bits & 16:
                value -= 1 << shift
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    if shift:
        raise ValueError("the last of the packed counts is cut off")
    return np.array(counts, np.int64)
