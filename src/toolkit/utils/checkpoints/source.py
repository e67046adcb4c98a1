"""The bytes of one checkpoint file; every access is checked against the file's true size."""

from __future__ import annotations

import math
import mmap
import reprlib
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from toolkit.utils.checkpoints.elements import Element

MAPPED_FROM = 64 << 20  # files of this many bytes and more are mapped, smaller ones read
MAX_DIMENSIONS = 32  # of NumPy before 2.0
FREE_EXPANSION = 1 << 30  # bytes that any file may ask for beyond its own
_SHORT = reprlib.Repr()
_SHORT.maxlevel = 2
_SHORT.maxstring = _SHORT.maxother = 100


class CheckpointError(ValueError):
    """A file is not the checkpoint it should be: which file, what was found, where it broke."""


class Source:
    """A file's bytes as one private, writable buffer.

    Small files are read. Large ones are mapped copy-on-write, so that a checkpoint is not held
    twice while a network copies from it; arrays on a mapped file need that file to stay as it is
    until they are dropped (replacing it by renaming is fine, truncating it in place is not).
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.file = file
        self.format = "checkpoint"  # named in errors; the reader in charge sets it
        self.data = _contents(file)
        self.view = self.data.data
        self.size = len(self.data)
        self._allowance = max(FREE_EXPANSION, 16 * self.size)

    def error(self, message: str, offset: int | None = None) -> CheckpointError:
        """The error to raise for what cannot be read, at ``offset`` where that is known."""
        where = "" if offset is None else f" (at byte {offset} of {self.size})"
        return CheckpointError(f"{self.path}: unreadable {self.format} file: {message}{where}")

    def claim(self, nbytes: int, what: str) -> None:
        """Accounts for memory beyond the file's own bytes, so that a small file stays small."""
        self._allowance -= nbytes
        if self._allowance < 0:
            raise self.error(f"{what} would take {nbytes} bytes, far beyond the {self.size} here")

    def span(self, offset: int, length: int, what: str) -> np.ndarray:
        """``length`` bytes from ``offset`` on, as a view; ``what`` is named where they lack."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise self.error(f"truncated: {what} takes {length} bytes from there on", offset)
        return self.data[offset : offset + length]

    def count(self, shape: Sequence[int], what: str) -> int:
        """How many numbers an array of ``shape`` has; rejects shapes that no array can have."""
        count = math.prod(shape)
        bound = count or math.prod(size or 1 for size in shape)  # NumPy's limit minds no zeros
        if len(shape) > MAX_DIMENSIONS or bound > 1 << 58 or (shape and min(shape) < 0):
            raise self.error(f"{what} has the impossible shape {brief(tuple(shape))}")
        return count

    def array(
        self, offset: int, element: Element, shape: Sequence[int], what: str, order: str = "<"
    ) -> np.ndarray:
        """The array of ``shape`` at ``offset``: native, aligned, widened where NumPy needs it."""
        raw = self.span(offset, self.count(shape, what) * element.size, what)
        return self.finish(self.numbers(raw, element, what, order).reshape(shape), element, what)

    def numbers(self, raw: np.ndarray, element: Element, what: str, order: str = "<") -> np.ndarray:
        """Bytes as native, aligned numbers: a view where they lie so already, else a copy."""
        stored = raw[: len(raw) // element.size * element.size].view(element.dtype(order))
        if stored.flags.aligned and stored.dtype.isnative:
            return stored
        self.claim(stored.nbytes, what)
        return stored.astype(stored.dtype.newbyteorder("="))

    def finish(self, values: np.ndarray, element: Element, what: str) -> np.ndarray:
        """Makes stored numbers contiguous and widens those that NumPy has no type for."""
        if not values.flags.c_contiguous:
            self.claim(values.size * values.itemsize, what)
            values = values.copy(order="C")
        if element.widen is None:
            return values
        self.claim(4 * values.size, what)
        return element.widen(values)


class Cursor:
    """Reads little-endian fields of a source one after the other."""

    def __init__(self, source: Source, offset: int = 0) -> None:
        self.source = source
        self.offset = offset

    def take(self, length: int, what: str) -> np.ndarray:
        """The next ``length`` bytes."""
        raw = self.source.span(self.offset, length, what)
        self.offset += length
        return raw

    def fields(self, layout: str, what: str) -> tuple[Any, ...]:
        """The next fields of a ``struct`` layout, without padding."""
        layout = f"<{layout}"
        end = self.offset + struct.calcsize(layout)
        if end > self.source.size:
            self.take(end - self.offset, what)  # says what lacks
        values = struct.unpack_from(layout, self.source.view, self.offset)
        self.offset = end
        return values

    def field(self, layout: str, what: str) -> Any:
        """The next single field."""
        return self.fields(layout, what)[0]


def brief(value: object, limit: int = 120) -> str:
    """A value of a file for an error message: one short line, whatever a hostile file made."""
    try:
        text = _SHORT.repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, say
        text = f"a {type(value).__name__}"
    return text if len(text) <= limit else f"{text[:limit]}..."


def _contents(file: BinaryIO) -> np.ndarray:
    size = file.seek(0, 2)
    file.seek(0)
    if size >= MAPPED_FROM:
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY), np.uint8)
    data = np.empty(size, np.uint8)
    filled = file.readinto(data) if size else 0  # type: ignore[attr-defined]
    return data[:filled]
