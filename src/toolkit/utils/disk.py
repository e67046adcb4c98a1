"""Writing files so that a reader sees the old one or the whole new one, with errors that help."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

ELSEWHERE = "write to another folder"  # the remedy where the caller names no better one

_CAUSES = {
    errno.ENOSPC: "no space left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file is larger than this file system or the process limit allows",
    errno.EACCES: "no permission to write here",
    errno.EPERM: "no permission to write here",
    errno.EROFS: "the file system is read-only",
    errno.ENOTDIR: "a parent of this path is a file, not a folder",
    errno.EEXIST: "a parent of this path is a file, not a folder",
    errno.EISDIR: "this is a folder, a file name is needed",
    errno.ENOLCK: "this file system has no file locks",
    errno.ENOSYS: "this file system has no file locks",
    errno.EOPNOTSUPP: "this file system has no file locks",
}


@contextmanager
def disk_errors(path: Path, remedy: str = ELSEWHERE) -> Iterator[None]:
    """Rephrases what can go wrong when ``path`` is written, and says what to do about it.

    Raises:
        OSError: of the same class and ``errno`` as the one caught (PermissionError, ...); other
            errors pass unchanged.
    """
    try:
        yield
    except OSError as err:
        cause = _CAUSES.get(err.errno or 0)
        if cause is None or remedy in str(err) or not _concerns(err.filename, path):
            raise
        raise OSError(err.errno, f"{cause}; {remedy}", str(path)) from err


def _concerns(named: object, path: Path) -> bool:
    """Whether an error that names a file is about ``path``, its parents or its temporary files."""
    if not isinstance(named, str):
        return True
    other = Path(named)
    return path.is_relative_to(other) or (other.parent == path.parent and path.name in other.name)


def make_parent(path: Path, remedy: str = ELSEWHERE) -> None:
    """Creates the folder that ``path`` is to lie in, and refuses a ``path`` that is a folder."""
    with disk_errors(path, remedy):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        path.parent.mkdir(parents=True, exist_ok=True)


@contextmanager
def atomic_write(path: Path, mode: str = "wb", *, remedy: str = ELSEWHERE) -> Iterator[IO[Any]]:
    """Opens a temporary file that takes the place of ``path`` when the block ends well.

    The temporary file lies in the same folder, which is created where it is missing. It is flushed
    to the disk before it is moved, and removed where the block or the move fails, so ``path`` never
    holds half a file.

    Args:
        path: where the content is to be in the end.
        mode: "wb" for bytes, "w" for UTF-8 text with ``\\n`` line ends.
        remedy: what an error about a full or read-only disk advises.

    Raises:
        ValueError: on another mode.
        OSError: where the folder cannot be written; it names ``path`` and the remedy.
    """
    if mode not in ("wb", "w"):
        raise ValueError(f"mode {mode!r}: atomic_write knows 'wb' and 'w'")
    path = Path(path)
    make_parent(path, remedy)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    text = {"encoding": "utf-8", "newline": "\n"} if mode == "w" else {}
    with disk_errors(path, remedy):
        try:
            with open(temporary, mode.replace("w", "x"), **text) as handle:  # type: ignore[call-overload]
                yield handle
                handle.flush()
                os.fsync(handle.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
