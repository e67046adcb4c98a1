from __future__ import annotations

import errno
import hashlib
import io
import os
import random
import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

from toolkit.utils import disk, partial
from toolkit.utils.files import Policy, fetch, locked

BODY = random.Random(4).randbytes(300_000)
HALF = 150_000
DIGEST = "sha1:" + hashlib.sha1(BODY).hexdigest()
NAME = "net-0123abcd.params"
PYTHONPATH = os.pathsep.join(filter(None, sys.path))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache folder that does not exist yet."""
    return tmp_path / "home" / "models"


def get(url: str, cache: Path, **options: Any) -> Path:
    return fetch(url, cache / NAME, digest=DIGEST, **options)


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(NAME, content)
    return buffer.getvalue()


def test_destination_is_a_folder(tmp_path: Path, cache: Path) -> None:
    (cache / NAME).mkdir(parents=True)
    with pytest.raises(IsADirectoryError, match="is a folder") as caught:
        get(tmp_path.as_uri(), cache)
    assert str(cache / NAME) in str(caught.value)


class Filling:
    """A file on a disk with room for 100 kB more."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._left = 100_000

    def write(self, data: bytes) -> int:
        if len(data) > self._left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._left -= len(data)
        return int(self._handle.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handle, name)

    def __enter__(self) -> Filling:
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.close()


def filling(*args: Any, **options: Any) -> Filling:
    return Filling(open(*args, **options))


@pytest.mark.parametrize(("module", "member"), [(partial, None), (disk, NAME)])
def test_full_disk(
    http_server: Any,
    answers: Any,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    member: str | None,
) -> None:
    monkeypatch.setattr(module, "open", filling, raising=False)
    content = zipped(BODY) if member else BODY
    url = http_server.script("net", answers.whole(content, ETag='"v1"'))
    with pytest.raises(OSError, match=r"no space left.*TOOLKIT_HOME") as caught:
        get(url, cache, member=member)
    assert caught.value.errno == errno.ENOSPC
    assert str(cache / NAME) in str(caught.value)
    assert os.listdir(cache) == []
    assert len(http_server.seen["net"]) == 1  # another mirror would not help


def test_read_only_folder_names_path_and_remedy(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulated, since root may write everywhere."""
    true_open = os.open

    def refuse(path: Any, flags: int, *rest: Any, **options: Any) -> int:
        if flags & os.O_CREAT and str(path).startswith(str(cache)):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return true_open(path, flags, *rest, **options)

    cache.mkdir(parents=True)
    (tmp_path / "net").write_bytes(BODY)
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PermissionError, match=r"no permission.*TOOLKIT_HOME") as caught:
        get((tmp_path / "net").as_uri(), cache)
    assert str(cache / NAME) in str(caught.value)
    (cache / NAME).write_bytes(BODY)
    assert get("net", cache) == cache / NAME  # what is there can be used


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_truly_read_only_folder(cache: Path, tmp_path: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o555)
    (tmp_path / "net").write_bytes(BODY)
    with pytest.raises(PermissionError, match=r"no permission.*TOOLKIT_HOME"):
        get((tmp_path / "net").as_uri(), cache)


def test_lock_that_is_never_given_back(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "net").write_bytes(BODY)
    hasty = Policy(lock_timeout=0.0)
    with (
        locked(cache / NAME),
        pytest.raises(TimeoutError, match=f"process {os.getpid()} has held") as caught,
    ):
        get((tmp_path / "net").as_uri(), cache, policy=hasty)
    assert f"{NAME}.lock" in str(caught.value)


FETCHER = """
import signal, sys
from pathlib import Path
from toolkit.utils import downloads
from toolkit.utils.files import fetch

class Loud(downloads.tqdm):
    def update(self, count):
        print("received", flush=True)

signal.signal(signal.SIGINT, signal.default_int_handler)
downloads.tqdm = Loud
print("ready", flush=True)
sys.stdin.readline()
fetch(sys.argv[1], Path(sys.argv[2]), digest=sys.argv[3])
"""


def start(url: str, cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", FETCHER, url, str(cache / NAME), DIGEST],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": PYTHONPATH, "NO_PROXY": "127.0.0.1"},
    )


def test_eight_processes_share_one_download(http_server: Any, answers: Any, cache: Path) -> None:
    everyone_started = threading.Event()

    def answer(handler: Any) -> None:
        everyone_started.wait(30)
        answers.whole(BODY)(handler)

    url = http_server.script("net", answer)
    children = [start(url, cache) for _ in range(8)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    everyone_started.set()
    errors = [child.communicate(timeout=60)[1] for child in children]
    assert [child.returncode for child in children] == [0] * 8, errors
    assert len(http_server.seen["net"]) == 1
    assert (cache / NAME).read_bytes() == BODY
    assert os.listdir(cache) == [NAME]


@pytest.mark.parametrize("validator", [{"ETag": '"v1"'}, {}])
def test_interrupt_in_the_middle(
    http_server: Any, answers: Any, cache: Path, validator: dict[str, str]
) -> None:
    url = http_server.script("net", answers.stalled(BODY, HALF, **validator))
    child = start(url, cache)
    assert child.stdout is not None
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()
    assert [child.stdout.readline() for _ in range(2)] == ["ready\n", "received\n"]
    child.send_signal(signal.SIGINT)
    _, error = child.communicate(timeout=30)
    assert child.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in error
    left = [f"{NAME}.part", f"{NAME}.part.json"] if validator else []
    assert sorted(os.listdir(cache)) == left
    http_server.script("net", answers.ranged(BODY))
    get(url, cache)
    assert (cache / NAME).read_bytes() == BODY
    assert os.listdir(cache) == [NAME]
    asked = http_server.ranges("net")[-1]
    assert (asked is not None and asked != "bytes=0-") is bool(validator)
