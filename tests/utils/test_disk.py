from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from toolkit.utils import disk
from toolkit.utils.disk import atomic_write, disk_errors


class FullDisk:
    """A file that takes no byte."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def write(self, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def __enter__(self) -> FullDisk:
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.close()


def full_disk(*args: Any, **options: Any) -> FullDisk:
    return FullDisk(open(*args, **options))


def write(path: Path, content: bytes, error: BaseException) -> None:
    with atomic_write(path) as handle:
        handle.write(content)
        raise error


@pytest.mark.parametrize(("mode", "content"), [("wb", b"\x00\xff\r\n"), ("w", "größer\n")])
def test_content_takes_the_old_one_s_place(tmp_path: Path, mode: str, content: Any) -> None:
    path = tmp_path / "new" / "folder" / "file"
    for part in (content[:1], content):
        with atomic_write(path, mode) as handle:
            handle.write(part)
    assert path.read_bytes() == (content if mode == "wb" else content.encode("utf-8"))
    assert os.listdir(path.parent) == ["file"]


def test_the_old_content_stays_until_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with atomic_write(path) as handle:
        handle.write(b"new")
        handle.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failed_block_changes_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(error):
        write(path, b"new", error())
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with atomic_write(tmp_path / "file") as handle:
            handle.write(b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_unknown_mode_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'ab'.*'wb' and 'w'"), atomic_write(tmp_path / "x", "ab"):
        pass


def test_full_disk_names_path_and_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "open", full_disk, raising=False)
    with (
        pytest.raises(OSError, match=r"no space left.*make room") as caught,
        atomic_write(tmp_path / "file", remedy="make room") as handle,
    ):
        handle.write(b"x")
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(tmp_path / "file")
    assert os.listdir(tmp_path) == []


def test_full_disk_found_out_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="no space left"), atomic_write(tmp_path / "file") as handle:
        handle.write(b"x")
    assert os.listdir(tmp_path) == []


def test_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="is a folder"), atomic_write(tmp_path):
        pass


def test_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "below"
    with pytest.raises(OSError, match="parent of this path is a file") as caught:
        disk.make_parent(target)
    assert str(target) in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(PermissionError, match="no permission"), atomic_write(tmp_path / "file"):
        pass


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (errno.EACCES, PermissionError, "no permission"),
        (errno.EROFS, OSError, "read-only"),
        (errno.EDQUOT, OSError, "quota"),
        (errno.ENOLCK, OSError, "no file locks"),
    ],
)
def test_causes_are_told_apart(tmp_path: Path, code: int, kind: type[OSError], words: str) -> None:
    with pytest.raises(kind, match=words) as caught, disk_errors(tmp_path / "x", "set A_VARIABLE"):
        raise OSError(code, os.strerror(code), str(tmp_path))
    assert caught.value.errno == code
    assert "set A_VARIABLE" in str(caught.value)
    assert str(tmp_path / "x") in str(caught.value)


def test_errors_about_other_files_pass_unchanged(tmp_path: Path) -> None:
    error = PermissionError(errno.EACCES, "not yours", str(tmp_path / "elsewhere" / "source"))
    with pytest.raises(PermissionError) as caught, disk_errors(tmp_path / "file"):
        raise error
    assert caught.value is error
