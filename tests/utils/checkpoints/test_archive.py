from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from toolkit.utils.checkpoints import CheckpointError
from toolkit.utils.checkpoints.archive import Archive
from toolkit.utils.checkpoints.source import Source

Frugal = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[bytes], Archive]:
    def run(data: bytes) -> Archive:
        path = tmp_path / "x.zip"
        path.write_bytes(data)
        with path.open("rb") as file:
            return Archive(Source(path, file))

    return run


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


MEMBERS = {"a/data.pkl": b"x" * 100, "a/data/0": bytes(range(256)), "empty": b""}


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_are_read(compression: int, opened: Callable[[bytes], Archive]) -> None:
    archive = opened(zipped(MEMBERS, compression))
    assert archive.names == list(MEMBERS)
    assert {name: archive.read(name).tobytes() for name in archive.names} == MEMBERS


def test_stored_members_are_views_of_the_file(opened: Callable[[bytes], Archive]) -> None:
    archive = opened(zipped(MEMBERS))
    assert np.shares_memory(archive.read("a/data/0"), archive.source.data)


def test_a_missing_member_is_named(opened: Callable[[bytes], Archive]) -> None:
    with pytest.raises(CheckpointError, match="'b' of the zip archive is missing"):
        opened(zipped(MEMBERS)).read("b")


def test_a_member_twice_is_refused(opened: Callable[[bytes], Archive]) -> None:
    data = zipped({"aa": b"1", "ab": b"2"}).replace(b"ab", b"aa")
    with pytest.raises(CheckpointError, match="there twice"):
        opened(data)


def claiming(data: bytes, size: int, *, both: bool) -> bytes:
    """The archive with other sizes in its directory: of the file, and packed where ``both``."""
    at = data.rindex(b"PK\x01\x02")
    sizes = (size if both else int.from_bytes(data[at + 20 : at + 24], "little"), size)
    return data[: at + 20] + b"".join(s.to_bytes(4, "little") for s in sizes) + data[at + 28 :]


@pytest.mark.parametrize(
    ("compression", "both", "message"),
    [
        (zipfile.ZIP_STORED, False, "two sizes"),
        (zipfile.ZIP_STORED, True, "truncated: member 'm' takes 4000000000 bytes"),
        (zipfile.ZIP_DEFLATED, False, "member 'm' would take 4000000000 bytes"),
        (zipfile.ZIP_DEFLATED, True, "truncated: member 'm' takes 4000000000 bytes"),
    ],
)
def test_false_sizes_are_refused_without_memory(
    compression: int, both: bool, message: str, opened: Callable[[bytes], Archive], frugal: Frugal
) -> None:
    data = claiming(zipped({"m": bytes(5000)}, compression), 4_000_000_000, both=both)
    archive = opened(data)
    with frugal(), pytest.raises(CheckpointError, match=message):
        archive.read("m")


def test_a_false_size_of_a_packed_member_is_noticed(opened: Callable[[bytes], Archive]) -> None:
    data = claiming(zipped({"m": bytes(5000)}, zipfile.ZIP_DEFLATED), 6000, both=False)
    with pytest.raises(CheckpointError, match="'m' is damaged: size or checksum"):
        opened(data).read("m")


def test_unpacked_damage_is_noticed(opened: Callable[[bytes], Archive]) -> None:
    data = bytearray(zipped({"m": bytes(range(256)) * 20}, zipfile.ZIP_DEFLATED))
    data[60] ^= 0xFF
    with pytest.raises(CheckpointError, match=r"member 'm' (cannot be unpacked|is damaged)"):
        opened(bytes(data)).read("m")


def test_a_truncated_archive_is_refused(opened: Callable[[bytes], Archive]) -> None:
    with pytest.raises(CheckpointError, match="zip directory is missing or damaged"):
        opened(zipped(MEMBERS)[:-30])
