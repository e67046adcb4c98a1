from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.utils import locks
from toolkit.utils.locks import locked

HOLDER = """
import sys
from pathlib import Path
from toolkit.utils.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of ``tmp_path/file`` until its stdin closes."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "file")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_only_one_holder_at_a_time(tmp_path: Path) -> None:
    inside, most, guard = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with locked(tmp_path / "file"):
                with guard:
                    inside += 1
                    most = max(most, inside)
                with guard:
                    inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert os.listdir(tmp_path) == []


def test_timeout_names_lock_and_holder(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with (
        pytest.raises(TimeoutError, match=f"process {holder.pid} has held") as caught,
        locked(tmp_path / "file", timeout=0.0),
    ):
        pass
    assert caught.value.filename == str(tmp_path / "file.lock")


def test_lock_dies_with_its_holder(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    assert os.listdir(tmp_path) == ["file.lock"]
    with locked(tmp_path / "file", timeout=0.0):
        pass
    assert os.listdir(tmp_path) == []


def test_waiter_goes_on_when_the_holder_ends(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    entered = threading.Event()

    def work() -> None:
        with locked(tmp_path / "file"):
            entered.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert not entered.is_set()
    holder.communicate("")
    thread.join(10)
    assert entered.is_set()
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="open files cannot be removed on Windows")
def test_lock_file_removed_between_open_and_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last holder removes the file; a lock on the nameless rest would protect nothing."""
    true_flock = locks.fcntl.flock

    def flock(handle: int, operation: int) -> None:
        monkeypatch.setattr(locks.fcntl, "flock", true_flock)
        (tmp_path / "file.lock").unlink()
        true_flock(handle, operation)

    monkeypatch.setattr(locks.fcntl, "flock", flock)
    with (
        locked(tmp_path / "file"),
        pytest.raises(TimeoutError),
        locked(tmp_path / "file", timeout=0.0),
    ):
        pass


def test_lock_is_given_back_on_errors(tmp_path: Path) -> None:
    with pytest.raises(KeyError), locked(tmp_path / "new" / "file"):
        raise KeyError
    with locked(tmp_path / "new" / "file", timeout=0.0):
        pass


@pytest.mark.parametrize(
    ("code", "words"), [(errno.EACCES, "no permission"), (errno.EROFS, "read-only")]
)
def test_folder_that_takes_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    def refuse(path: Path, *_: object) -> int:
        raise OSError(code, os.strerror(code), str(path))

    monkeypatch.setattr(locks.os, "open", refuse)
    with pytest.raises(OSError, match=f"{words}.*another folder"), locked(tmp_path / "file"):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="fcntl is for POSIX")
def test_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    with pytest.raises(OSError, match="no file locks"), locked(tmp_path / "file"):
        pass
