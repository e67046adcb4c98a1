from __future__ import annotations

import gzip
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
