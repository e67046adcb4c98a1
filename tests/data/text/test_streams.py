from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.data.text import LineStream, MappedStream, PrefetchedStream, ShuffledStream


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{i}.txt" for i in range(4)]
    for i, path in enumerate(paths):
        path.write_text(f"é{i}\r\n\n{i} b", encoding="utf-8", newline="")
    packed = tmp_path / "4.txt.gz"
    packed.write_bytes(gzip.compress("é4\n".encode()))
    return [*paths, packed]


def test_lines_of_all_files(files: list[Path]) -> None:
    stream = LineStream(files)
    lines = [line for i in range(4) for line in (f"é{i}", "", f"{i} b")] + ["é4"]
    assert list(stream) == list(stream) == lines
    shards = [list(LineStream(files, rank=r, size=3)) for r in range(3)]
    assert shards == [lines[r::3] for r in range(3)]


def test_the_order_of_files_by_epoch(files: list[Path]) -> None:
    stream = LineStream(files, shuffle=True, seed=3)
    orders = [stream.at_epoch(e).files() for e in range(6)]
    assert all(sorted(order) == sorted(files) for order in orders)
    assert len(set(orders)) > 1
    assert stream.at_epoch(2).files() == orders[2]


def test_wrong_files(tmp_path: Path) -> None:
    for wrong in ([], "a.txt"):
        with pytest.raises(ValueError, match="expected a list of files"):
            LineStream(wrong)
    with pytest.raises(ValueError, match="rank 2 is not below"):
        LineStream(["a"], rank=2, size=2)
    path = tmp_path / "latin.txt"
    path.write_bytes(b"a\ncaf\xe9\n")
    with pytest.raises(ValueError, match=r"latin\.txt, line 2 is not UTF-8"):
        list(LineStream([path]))
    path.write_bytes(b"")
    assert list(LineStream([path])) == []


def test_hard_lines(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_bytes(b"a\0b\n" + b"x" * 10_000_000 + b"\n")
    first, second = LineStream([path])
    assert (first, len(second)) == ("a\0b", 10_000_000)


def test_mapped_and_shuffled() -> None:
    assert list(MappedStream(["a b", "c"], str.split)) == [["a", "b"], ["c"]]
    stream = ShuffledStream(range(100), window=10, seed=1)
    got = list(stream)
    assert sorted(got) == list(range(100))
    assert got != list(range(100))
    assert got == list(stream)
    assert all(value <= place + 10 for place, value in enumerate(got))
    assert list(ShuffledStream([], 5)) == []
    with pytest.raises(ValueError, match="window must be 1 or more"):
        ShuffledStream([], 0)


def test_prefetching_keeps_the_order_and_raises() -> None:
    assert list(PrefetchedStream(range(100), ahead=3)) == list(range(100))

    def failing() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    stream = iter(PrefetchedStream(failing()))
    assert next(stream) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(stream)


def test_prefetching_stops_with_the_reader() -> None:
    before = threading.active_count()
    stream = iter(PrefetchedStream(iter(int, 1), ahead=2))  # without end
    assert next(stream) == 0
    assert threading.active_count() == before + 1
    stream.close()
    assert threading.active_count() == before
