"""Objects full of arrays handed from one process to another through memory that both map.

The memory is anonymous: it has no name that could outlive the processes, so nothing is left behind
however they end, and a small ``/dev/shm``, as containers have it, is no limit.
"""

from __future__ import annotations

import mmap
import os
import pickle
import sys
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

ALIGNMENT = 64  # of each array, in bytes: a cache line, and the widest vector registers


@dataclass(frozen=True)
class Layout:
    """How an object lies in a block: what a receiver needs to read it."""

    pickled: bytes  # everything but the arrays' contents
    spans: tuple[tuple[int, int], ...]  # begin and end of each array's content, in bytes
    size: int  # of the block, at least


class Block:
    """A piece of shared memory behind a file descriptor; it grows when more is written."""

    def __init__(self, descriptor: int | None = None) -> None:
        """Maps the memory of another process, or makes a new block."""
        self.descriptor = _anonymous() if descriptor is None else descriptor
        self._close = weakref.finalize(self, os.close, self.descriptor)
        self._map: mmap.mmap | None = None

    def write(self, value: Any) -> Layout:
        """Puts an object into the block; what cannot be shared stays in the layout."""
        buffers: list[pickle.PickleBuffer] = []
        pickled = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
        raws = [buffer.raw() for buffer in buffers]
        spans, end = [], 0
        for raw in raws:
            spans.append((end, end + raw.nbytes))
            end += raw.nbytes + -raw.nbytes % ALIGNMENT
        if end:
            with memoryview(self._mapped(end)) as view:
                for raw, (start, stop) in zip(raws, spans, strict=True):
                    view[start:stop] = raw
        return Layout(pickled, tuple(spans), end)

    def read(self, layout: Layout, done: Callable[[], object]) -> Any:
        """The object; its arrays are views of the block: ``done`` is called when the last goes."""
        if not layout.size:
            done()
            return pickle.loads(layout.pickled)
        lease = np.frombuffer(self._mapped(layout.size), np.uint8)
        weakref.finalize(lease, done).atexit = False
        view = memoryview(lease)  # type: ignore[arg-type]
        return pickle.loads(layout.pickled, buffers=[view[a:b] for a, b in layout.spans])

    def private(self, layout: Layout) -> Any:
        """The object; its arrays are the block's until they are written to, then one's own."""
        if not layout.size:
            return pickle.loads(layout.pickled)
        pages = mmap.mmap(self.descriptor, 0, access=mmap.ACCESS_COPY)
        view = memoryview(pages)
        return pickle.loads(layout.pickled, buffers=[view[a:b] for a, b in layout.spans])

    def copy(self, layout: Layout) -> Any:
        """The object with memory of its own; the block is free at once."""
        if not layout.size:
            return pickle.loads(layout.pickled)
        with memoryview(self._mapped(layout.size)) as view:
            parts = [np.array(view[a:b]) for a, b in layout.spans]
        return pickle.loads(layout.pickled, buffers=parts)

    def _mapped(self, size: int) -> mmap.mmap:
        if self._map is None or len(self._map) < size:
            if os.fstat(self.descriptor).st_size < size:
                os.ftruncate(self.descriptor, size)
            # Views of a smaller map keep that one alive; it goes when they do.
            self._map = mmap.mmap(self.descriptor, 0)
        return self._map


def _anonymous() -> int:
    """A descriptor of memory without a name; on macOS of a file that is deleted already."""
    if sys.platform == "linux":
        return os.memfd_create("toolkit-batches", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
