from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.utils.partial import Partial


@pytest.fixture
def partial(tmp_path: Path) -> Partial:
    return Partial(tmp_path / "net", "sha1:01234567", "free it")


def broken(*chunks: bytes) -> Iterator[bytes]:
    yield from chunks
    raise ConnectionError("gone")


def test_resumes_under_the_validator_that_was_noted(partial: Partial, tmp_path: Path) -> None:
    assert partial.resume() == (0, "")
    with pytest.raises(ConnectionError):
        partial.write(broken(b"abc", b"def"), validator='"v1"')
    again = Partial(tmp_path / "net", "sha1:01234567", "free it")
    assert again.resume() == (6, '"v1"')
    again.write([b"ghi"], start=6)
    assert again.path.read_bytes() == b"abcdefghi"


def test_bytes_behind_the_start_are_dropped(partial: Partial) -> None:
    partial.write([b"abcdef"], validator="v")
    partial.write([b"X"], start=3)
    assert partial.path.read_bytes() == b"abcX"


@pytest.mark.parametrize("validator", ["", "v2"])
def test_fresh_start_forgets_the_old_bytes(partial: Partial, validator: str) -> None:
    partial.write([b"old"], validator="v1")
    partial.write([b"new!"], validator=validator)
    assert partial.path.read_bytes() == b"new!"
    assert partial.resume() == ((4, "v2") if validator else (0, ""))


def test_bytes_of_another_content_are_not_resumed(partial: Partial, tmp_path: Path) -> None:
    partial.write([b"abc"], validator="v1")
    assert Partial(tmp_path / "net", "sha1:89abcdef", "").resume() == (0, "")


@pytest.mark.parametrize("note", ["", "[]", "{}", "no json", '{"wanted": "sha1:01234567"}'])
def test_unreadable_note_means_a_fresh_start(partial: Partial, tmp_path: Path, note: str) -> None:
    partial.write([b"abc"], validator="v1")
    (tmp_path / "net.part.json").write_text(note)
    assert partial.resume() == (0, "")


def test_settle_keeps_only_what_can_be_resumed(partial: Partial, tmp_path: Path) -> None:
    partial.write([b"abc"], validator="v1")
    partial.settle()
    assert sorted(os.listdir(tmp_path)) == ["net.part", "net.part.json"]
    partial.write([b"abc"])
    partial.settle()
    assert os.listdir(tmp_path) == []


def test_move_leaves_the_destination_alone(partial: Partial, tmp_path: Path) -> None:
    (tmp_path / "net").write_bytes(b"old")
    partial.write([b"abc"], validator="v1")
    partial.move()
    assert os.listdir(tmp_path) == ["net"]
    assert (tmp_path / "net").read_bytes() == b"abc"
    assert partial.size == 0
