"""Text that is read as it is needed, for corpora larger than memory."""

from __future__ import annotations

import gzip
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

Files = tuple[Path, ...]


@dataclass(frozen=True)
class LineStream:
    """The lines of UTF-8 files (packed ones end in ``.gz``), without their ends, file by file.

    Each iteration starts anew; ``at_epoch`` gives another order of files where they are shuffled.

    Raises:
        ValueError: no files, a rank that is not below ``size``; on reading, bytes that are not
            UTF-8: the message has the line.
    """

    paths: Sequence[str | os.PathLike[str]]
    shuffle: bool = False  # the order of the files, by seed and epoch
    seed: int = 0
    epoch: int = 0
    rank: int = 0  # of this process: it reads every ``size``-th line of all
    size: int = 1  # number of processes

    def __post_init__(self) -> None:
        if isinstance(self.paths, str | os.PathLike) or not len(self.paths):
            raise ValueError(f"expected a list of files, got {self.paths!r}")
        if not 0 <= self.rank < self.size:
            raise ValueError(f"rank {self.rank} is not below the number of processes, {self.size}")

    def at_epoch(self, epoch: int) -> LineStream:
        """The same files in the order of another epoch."""
        return replace(self, epoch=epoch)

    def files(self) -> Files:
        """The files in the order of this epoch."""
        paths = tuple(Path(path) for path in self.paths)
        if not self.shuffle:
            return paths
        order = np.random.default_rng((self.seed, self.epoch)).permutation(len(paths))
        return tuple(paths[i] for i in order)

    def __iter__(self) -> Iterator[str]:
        place = 0
        for path in self.files():
            for line in _lines(path):
                if place % self.size == self.rank:
                    yield line
                place += 1


@dataclass(frozen=True)
class MappedStream:
    """What a function makes of each item of a stream."""

    source: Iterable[Any]
    fn: Callable[[Any], Any]

    def __iter__(self) -> Iterator[Any]:
        return map(self.fn, self.source)


@dataclass(frozen=True)
class ShuffledStream:
    """The items of a stream in an order that is random within a window."""

    source: Iterable[Any]
    window: int  # so many items are held in memory
    seed: int = 0

    def __post_init__(self) -> None:
        if self.window < 1:
            raise ValueError(f"window must be 1 or more, got {self.window}")

    def __iter__(self) -> Iterator[Any]:
        rng = np.random.default_rng(self.seed)
        held: list[Any] = []
        for item in self.source:
            if len(held) < self.window:
                held.append(item)
                continue
            place = int(rng.integers(self.window))
            yield held[place]
            held[place] = item
        yield from (held[i] for i in rng.permutation(len(held)))


@dataclass(frozen=True)
class PrefetchedStream:
    """A stream whose next items are made by a thread while the last one is used.

    What fails there is raised where the item would have come. The thread ends with the iteration.
    """

    source: Iterable[Any]
    ahead: int = 16  # items

    def __iter__(self) -> Iterator[Any]:
        items: queue.Queue[tuple[str, Any]] = queue.Queue(self.ahead)
        stop = threading.Event()
        thread = threading.Thread(target=_fill, args=(self.source, items, stop), daemon=True)
        thread.start()
        try:
            while True:
                kind, value = items.get()
                if kind == "item":
                    yield value
                elif kind == "error":
                    raise value
                else:
                    return
        finally:
            stop.set()
            while thread.is_alive():
                _drain(items)
                thread.join(0.01)


def _fill(
    source: Iterable[Any], items: queue.Queue[tuple[str, Any]], stop: threading.Event
) -> None:
    try:
        for item in source:
            items.put(("item", item))
            if stop.is_set():
                return
    except Exception as error:  # whatever it is, it belongs to whoever reads
        items.put(("error", error))
        return
    items.put(("end", None))


def _drain(items: queue.Queue[tuple[str, Any]]) -> None:
    """Makes room for a thread that waits for it."""
    while not items.empty():
        items.get_nowait()


def _lines(path: Path) -> Iterator[str]:
    opened: Any = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield line.decode("utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise ValueError(f"{path}, line {number} is not UTF-8: {error}") from error
