"""A lock between processes (and threads) that cannot outlive its holder."""

from __future__ import annotations

import errno
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from toolkit.utils.disk import ELSEWHERE, disk_errors, make_parent

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_log = logging.getLogger(__name__)
_POLL = 0.05  # seconds between two looks at a lock that another holds


@contextmanager
def locked(path: Path, timeout: float = 300.0, *, remedy: str = ELSEWHERE) -> Iterator[None]:
    """Holds the lock of ``path``, the file ``path`` + ".lock", while the block runs.

    The kernel gives the lock back when its holder dies, so a lock file that a crash left behind
    stops nobody. The holder removes the file when it is done.

    Args:
        path: what is protected; it need not exist, its folder is created.
        timeout: seconds to wait for another holder.
        remedy: what an error about the folder advises.

    Raises:
        TimeoutError: names the lock file and the process that holds it.
        OSError: where the folder cannot be written or its file system has no locks.
    """
    path = Path(path)
    lock = path.with_name(path.name + ".lock")
    make_parent(lock, remedy)
    deadline = time.monotonic() + timeout
    told = False
    while (handle := _try(lock, remedy)) is None:
        if time.monotonic() >= deadline:
            raise TimeoutError(errno.ETIMEDOUT, _too_long(lock, timeout), str(lock))
        if not told:
            _log.info("waiting for %s, held by %s", lock, _holder(lock))
            told = True
        time.sleep(_POLL)
    try:
        yield
    finally:
        _release(lock, handle)


def _try(lock: Path, remedy: str) -> int | None:
    """Opens and locks the file; None where another holds it or has just removed it."""
    with disk_errors(lock, remedy):
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not (_take(handle) and _is_file(lock, handle)):
                os.close(handle)
                return None
            with suppress(OSError):  # only for the error message of those who wait
                os.ftruncate(handle, 0)
                os.write(handle, str(os.getpid()).encode())
        except OSError:
            os.close(handle)
            raise
    return handle


def _is_file(lock: Path, handle: int) -> bool:
    """Whether the open file still has the lock's name: its last holder may have removed it."""
    try:
        return os.path.samestat(os.stat(lock), os.fstat(handle))
    except FileNotFoundError:
        return False


def _take(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as err:
        if err.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


def _release(lock: Path, handle: int) -> None:
    with suppress(OSError):  # gone already, or Windows, which keeps files that are open
        lock.unlink()
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_UN)  # also for copies of the handle in forked children
    finally:
        os.close(handle)


def _holder(lock: Path) -> str:
    """The process that wrote its number into the lock file."""
    try:
        number = lock.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        number = ""
    return f"process {number}" if number.isdigit() else "another process"


def _too_long(lock: Path, timeout: float) -> str:
    return (
        f"{_holder(lock)} has held this lock for more than {timeout:g} s;"
        " wait for it to finish, or end it"
    )
