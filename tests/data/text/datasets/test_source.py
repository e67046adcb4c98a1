from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from toolkit.data.text.datasets.source import DatasetError, Source


def test_plain_and_packed_files(tmp_path: Path) -> None:
    content = "\ufeffé 1\r\n\nb".encode()
    (tmp_path / "a.txt").write_bytes(content)
    (tmp_path / "a.gz").write_bytes(gzip.compress(content))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("in/a.txt", content)
    for name in ("a.txt", "a.gz", "a.zip!in/a.txt"):
        source = Source(tmp_path, name)
        assert source.lines() == ["é 1", "", "b"]
        assert source.path.is_file()
    (tmp_path / "empty").write_bytes(b"")
    assert Source(tmp_path, "empty").lines() == []


def make_tar(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def test_members_of_archives(tmp_path: Path) -> None:
    members = {
        "in/a.txt": b"a\n",
        "in/b.gz": gzip.compress(b"b\n"),
        "in/aa.txt": b"",
        "x/b.gz": b"",
    }
    make_tar(tmp_path / "a.tar.gz", members)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    for file in ("a.zip", "a.tar.gz"):
        assert Source(tmp_path, f"{file}!*/a.txt").text() == "a\n"
        assert Source(tmp_path, f"{file}!in/b.gz").text() == "b\n"
        for member, what in {"*/b.gz": "2 files of the name b.gz", "c": "c"}.items():
            with pytest.raises(DatasetError, match=f"cannot unpack .*{file}.*{what}"):
                Source(tmp_path, f"{file}!{member}").text()


def test_broken_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\ntwo \xff\n")
    with pytest.raises(DatasetError, match=r"a\.txt, line 2: is not utf-8: invalid start byte"):
        Source(tmp_path, "a.txt").text()
    assert Source(tmp_path, "a.txt", "latin-1").lines()[1] == "two ÿ"
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"x" * 1000)[:-9])
    (tmp_path / "a.zip").write_bytes(b"PK")
    for name in ("a.gz", "a.zip!a"):
        with pytest.raises(DatasetError, match="cannot unpack"):
            Source(tmp_path, name).text()
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("a", "")
    with pytest.raises(DatasetError, match=r"cannot unpack .*b\.zip!b"):
        Source(tmp_path, "b.zip!b").text()
    make_tar(tmp_path / "c.tar.gz", {"a": b"x" * 99_999})
    (tmp_path / "c.tar.gz").write_bytes((tmp_path / "c.tar.gz").read_bytes()[:-20])
    with pytest.raises(DatasetError, match=r"cannot unpack .*c\.tar\.gz!a"):
        Source(tmp_path, "c.tar.gz!a").text()
