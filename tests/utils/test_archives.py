from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from toolkit.utils import archives
from toolkit.utils.archives import ArchiveError, extract_member

CONTENT = bytes(range(256)) * 8192  # two blocks


def pack(path: Path, members: dict[str, bytes] | list[tuple[zipfile.ZipInfo, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items() if isinstance(members, dict) else members:
            archive.writestr(name, content)
    return path


def link(name: str, kind: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (kind | 0o777) << 16
    return info


def extract(path: Path, member: str, size: int | None = None) -> bytes:
    sink = io.BytesIO()
    extract_member(path, member, sink, size=size)
    return sink.getvalue()


@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_a_member_comes_out_whole(tmp_path: Path, size: int | None) -> None:
    path = pack(tmp_path / "a.zip", {"other": b"x", "deep/net-0123abcd.params": CONTENT})
    assert extract(path, "deep/net-0123abcd.params", size) == CONTENT


def test_a_member_of_any_folder(tmp_path: Path) -> None:
    members = {"a/b/train.en": b"x", "a/b/xtrain.en": b"y", "test.en": b"z", "c/d": b"", "e/d": b""}
    path = pack(tmp_path / "a.zip", members)
    assert extract(path, "*/train.en") == b"x"
    assert extract(path, "*/test.en") == b"z"
    for name in ("*/d", "*/f"):  # two of them, none
        with pytest.raises(ArchiveError, match="no member"):
            extract(path, name)


def test_missing_member_tells_what_is_inside(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"net-0123abcd.params": b"x"})
    with pytest.raises(ArchiveError, match=r"'net-ffffffff.params'; inside is 'net-0123abcd"):
        extract(path, "net-ffffffff.params")
    many = pack(tmp_path / "b.zip", {f"file{i}": b"" for i in range(50)})
    with pytest.raises(ArchiveError, match="and 45 more"):
        extract(many, "zzzzzzzzzzz")
    with pytest.raises(ArchiveError, match="inside is nothing"):
        extract(pack(tmp_path / "c.zip", {}), "net")


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "C:/evil", "a\\..\\evil"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    path = pack(tmp_path / "a.zip", {name: b"x"})
    with pytest.raises(ArchiveError, match="leads out"):
        extract(path, name)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    path = pack(tmp_path / "a.zip", [(link("net", kind), b"/etc/passwd")])
    with pytest.raises(ArchiveError, match="not a file"):
        extract(path, "net")


def test_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="not a file"):
        extract(pack(tmp_path / "a.zip", {"net/": b""}), "net/")


def test_declared_size_counts(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"net": CONTENT})
    with pytest.raises(ArchiveError, match=f"declares {len(CONTENT)} bytes, expected 100"):
        extract(path, "net", 100)


def test_bomb_by_declaration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FREE", 1000)
    path = pack(tmp_path / "a.zip", {"net": bytes(3_000_000)})
    with pytest.raises(ArchiveError, match="declares 3000000 bytes, at most"):
        extract(path, "net")


def test_bomb_that_declares_too_little(tmp_path: Path) -> None:
    """The true content is larger than the archive's table says."""
    path = pack(tmp_path / "a.zip", {"net": bytes(3_000_000)})
    raw = path.read_bytes()
    true, lie = struct.pack("<L", 3_000_000), struct.pack("<L", 5000)
    assert raw.count(true) == 2  # in the member's own header and in the table
    path.write_bytes(raw.replace(true, lie))
    sink = io.BytesIO()
    with pytest.raises(ArchiveError):
        extract_member(path, "net", sink)
    assert len(sink.getvalue()) <= 5000


@pytest.mark.parametrize("size", [None, 5000])
def test_bytes_are_counted_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int | None
) -> None:
    """Should the reader below ever give more than the table says."""
    path = pack(tmp_path / "a.zip", {"net": bytes(5000)})
    monkeypatch.setattr(archives, "FREE", 6000)
    monkeypatch.setattr(archives, "RATIO", 0)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: io.BytesIO(bytes(3_000_000)))
    with pytest.raises(ArchiveError, match=f"more than the {size or 6000} bytes allowed"):
        extract(path, "net", size)


def test_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"net": b"x"})
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1  # the flag in the table
    path.write_bytes(bytes(raw))
    with pytest.raises(ArchiveError, match="encrypted"):
        extract(path, "net")


def test_damaged_member(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"net": bytes(range(256)) * 40})
    raw = bytearray(path.read_bytes())
    raw[60:70] = bytes(10)
    path.write_bytes(bytes(raw))
    with pytest.raises(ArchiveError):
        extract(path, "net")


@pytest.mark.parametrize("content", [b"", b"<html>log in first</html>"])
def test_not_a_zip_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match="not a sound zip file") as caught:
        extract(path, "net")
    assert repr(content[:24]) in str(caught.value)
