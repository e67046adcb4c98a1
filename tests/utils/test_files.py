from __future__ import annotations

import hashlib
import io
import json
import os
import random
import stat
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from toolkit.utils import archives, disk, locks
from toolkit.utils.files import (
    FetchError,
    HashMismatchError,
    OfflineError,
    Policy,
    atomic_write,
    cache_dir,
    check_digest,
    fetch,
    locked,
    mirrors,
)

BODY = random.Random(3).randbytes(300_000)
HALF = 150_000
DIGEST = "sha1:" + hashlib.sha1(BODY).hexdigest()
NAME = "net-0123abcd.params"
POLICY = Policy(connect_timeout=5.0, read_timeout=5.0, attempts=3, lock_timeout=30.0)
PYTHONPATH = os.pathsep.join(filter(None, sys.path))


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOOLKIT_HOME", "MXNET_HOME", "TOOLKIT_REPO", "MXNET_GLUON_REPO"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("TOOLKIT_OFFLINE", raising=False)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache folder that does not exist yet."""
    return tmp_path / "home" / "models"


def get(url: str, cache: Path, **options: Any) -> Path:
    return fetch(url, cache / NAME, **{"digest": DIGEST, "policy": POLICY, **options})


def zipped(members: dict[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_the_door_hands_on_the_parts() -> None:
    assert atomic_write is disk.atomic_write
    assert locked is locks.locked
    assert check_digest.__module__ == "toolkit.utils.hashes"
    assert all(url.endswith("/") for url in mirrors())
    assert issubclass(OfflineError, FetchError)
    assert issubclass(FetchError, OSError)
    assert issubclass(HashMismatchError, OSError)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "~/.mxnet/models"),
        ({"MXNET_HOME": "/a"}, "/a/models"),
        ({"MXNET_HOME": "/a", "TOOLKIT_HOME": "~/b"}, "~/b/models"),
        ({"MXNET_HOME": "/a", "TOOLKIT_HOME": ""}, "/a/models"),
    ],
)
def test_cache_dir(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_dir() == Path(expected).expanduser()
    assert cache_dir(kind="datasets") == Path(expected).expanduser().with_name("datasets")
    assert cache_dir("~/explicit") == Path("~/explicit").expanduser()


def test_a_file_comes_from_the_mirror(http_server: Any, answers: Any, cache: Path) -> None:
    http_server.script(f"gluon/models/{NAME}", answers.whole(BODY))
    path = get(f"gluon/models/{NAME}", cache, repos=[http_server.url], size=len(BODY))
    assert path == cache / NAME
    assert path.read_bytes() == BODY
    assert os.listdir(cache) == [NAME]


def test_a_file_that_is_there_is_left_untouched(cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / NAME).write_bytes(BODY)
    before = (cache / NAME).stat()
    get("http://127.0.0.1:9/net", cache, digest=DIGEST[:13])
    assert (cache / NAME).stat().st_mtime_ns == before.st_mtime_ns
    assert os.listdir(cache) == [NAME]


def test_a_wrong_file_is_replaced(http_server: Any, answers: Any, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / NAME).write_bytes(b"other")
    get(http_server.script("net", answers.whole(BODY)), cache)
    assert (cache / NAME).read_bytes() == BODY


def test_mirrors_of_the_environment_come_in_order(
    http_server: Any,
    answers: Any,
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    waits: list[float],
) -> None:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "net").write_bytes(BODY)
    http_server.script("lost/net", answers.status(404))
    http_server.script("shut/net", answers.status(403))
    url, folder = http_server.url, (tmp_path / "mirror").as_uri()
    monkeypatch.setenv("TOOLKIT_REPO", f"{url}lost, {url}shut/")
    monkeypatch.setenv("MXNET_GLUON_REPO", folder)
    get("net", cache)
    assert (cache / NAME).read_bytes() == BODY
    assert [len(http_server.seen[path]) for path in ("lost/net", "shut/net")] == [1, 1]
    assert waits == []


def test_failure_lists_every_place_and_the_way_out(
    http_server: Any, answers: Any, cache: Path, waits: list[float]
) -> None:
    http_server.script("a/net", answers.status(404))
    http_server.script("b/net", answers.status(500))
    repos = [f"{http_server.url}a", f"{http_server.url}b", "file:///no/mirror"]
    with pytest.raises(FetchError) as caught:
        get("net", cache, repos=repos)
    message = str(caught.value)
    assert f"{cache / NAME}: not there" in message
    assert f"{http_server.url}a/net: HTTP 404" in message
    assert f"{http_server.url}b/net: HTTP 500" in message
    assert "file:///no/mirror/net: No such file" in message
    assert "TOOLKIT_REPO=https://... or TOOLKIT_REPO=file:///..." in message
    assert os.listdir(cache) == []


def test_wrong_hash_is_never_installed(http_server: Any, answers: Any, cache: Path) -> None:
    lie = BODY[::-1]
    url = http_server.script("net", answers.whole(lie, ETag='"v1"'))
    with pytest.raises(HashMismatchError) as caught:
        get(url, cache)
    assert DIGEST in str(caught.value)
    assert hashlib.sha1(lie).hexdigest() in str(caught.value)
    assert os.listdir(cache) == []


def test_wrong_hash_leads_to_the_next_mirror(http_server: Any, answers: Any, cache: Path) -> None:
    http_server.script("a/net", answers.whole(BODY[::-1], ETag='"v1"'))
    http_server.script("b/net", answers.ranged(BODY))
    get("net", cache, repos=[f"{http_server.url}a", f"{http_server.url}b"])
    assert (cache / NAME).read_bytes() == BODY
    assert http_server.ranges("b/net") == [None]  # nothing of the lie is built on
    assert os.listdir(cache) == [NAME]


def test_next_mirror_goes_on_where_the_first_broke_off(
    http_server: Any, answers: Any, cache: Path, waits: list[float]
) -> None:
    http_server.script("a/net", answers.ranged(BODY, at=HALF), answers.status(404))
    http_server.script("b/net", answers.ranged(BODY))
    get("net", cache, repos=[f"{http_server.url}a", f"{http_server.url}b"])
    assert (cache / NAME).read_bytes() == BODY
    assert http_server.ranges("b/net") == [f"bytes={HALF}-"]


def test_a_later_fetch_goes_on_where_the_network_failed(
    http_server: Any, answers: Any, cache: Path, waits: list[float]
) -> None:
    url = http_server.script("net", answers.ranged(BODY, at=HALF), answers.status(500))
    with pytest.raises(FetchError):
        get(url, cache)
    assert sorted(os.listdir(cache)) == [f"{NAME}.part", f"{NAME}.part.json"]
    http_server.script("net", answers.ranged(BODY))
    get(url, cache)
    assert (cache / NAME).read_bytes() == BODY
    assert http_server.ranges("net")[-1] == f"bytes={HALF}-"
    assert os.listdir(cache) == [NAME]


def test_what_cannot_be_resumed_is_not_kept(
    http_server: Any, answers: Any, cache: Path, waits: list[float]
) -> None:
    with pytest.raises(FetchError):
        get(http_server.script("net", answers.cut(BODY, HALF)), cache)
    assert os.listdir(cache) == []


@pytest.mark.parametrize("note", ["right", "of another file"])
def test_bytes_that_do_not_fit_cost_one_fresh_download(
    http_server: Any, answers: Any, cache: Path, note: str
) -> None:
    cache.mkdir(parents=True)
    (cache / f"{NAME}.part").write_bytes(bytes(HALF))
    wanted = DIGEST if note == "right" else "sha1:00000000"
    text = json.dumps({"wanted": wanted, "validator": '"v1"'})
    (cache / f"{NAME}.part.json").write_text(text)
    get(http_server.script("net", answers.ranged(BODY)), cache)
    assert (cache / NAME).read_bytes() == BODY
    expected = [f"bytes={HALF}-", None] if note == "right" else [None]
    assert http_server.ranges("net") == expected


def test_a_member_of_a_zip_file(http_server: Any, answers: Any, cache: Path) -> None:
    url = http_server.script("net.zip", answers.whole(zipped({NAME: BODY, "other": b"x"})))
    get(url, cache, member=NAME, size=len(BODY))
    assert (cache / NAME).read_bytes() == BODY
    assert os.listdir(cache) == [NAME]


def symbolic(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("content", "member", "words"),
    [
        (zipped({"inside": BODY}), NAME, "inside is 'inside'"),
        (zipped({"../../evil": BODY}), "../../evil", "leads out"),
        (zipped({"/evil": BODY}), "/evil", "leads out"),
        (zipped({symbolic(NAME): b"/etc/passwd"}), NAME, "is a link"),
        (zipped({NAME: bytes(100_000)}), NAME, "declares 100000 bytes"),
        (b"<html>log in</html>", NAME, "<html>log in"),
        (zipped({NAME: BODY})[:HALF], NAME, "not a sound zip file"),
    ],
)
def test_bad_zip_files(
    http_server: Any,
    answers: Any,
    tmp_path: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
    member: str,
    words: str,
) -> None:
    monkeypatch.setattr(archives, "FREE", 1000)
    url = http_server.script("net.zip", answers.whole(content, ETag='"v1"'))
    with pytest.raises(FetchError, match=words):
        get(url, cache, member=member)
    assert os.listdir(cache) == []
    assert os.listdir(tmp_path) == ["home"]


def test_a_member_with_the_wrong_hash(http_server: Any, answers: Any, cache: Path) -> None:
    url = http_server.script("net.zip", answers.whole(zipped({NAME: b"other"})))
    with pytest.raises(HashMismatchError, match=f"member '{NAME}' has the wrong hash"):
        get(url, cache, member=NAME)
    assert os.listdir(cache) == []


def test_offline_asks_nobody_and_says_where_it_looked(
    http_server: Any, answers: Any, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLKIT_OFFLINE", "1")
    http_server.script("net", answers.whole(BODY))
    with pytest.raises(OfflineError) as caught:
        get("net", cache, repos=[http_server.url])
    assert "TOOLKIT_OFFLINE" in str(caught.value)
    assert f"{cache / NAME}: not there" in str(caught.value)
    assert f"{http_server.url}net: not asked" in str(caught.value)
    assert http_server.seen == {}
    assert not cache.exists()


def test_offline_still_takes_local_files(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLKIT_OFFLINE", "1")
    (tmp_path / "net").write_bytes(BODY)
    get("net", cache, repos=["http://127.0.0.1:9", tmp_path.as_uri()])
    assert (cache / NAME).read_bytes() == BODY


@pytest.mark.parametrize("digest", ["", "md5:0123456789", DIGEST[5:]])
def test_malformed_digest_is_refused_first(cache: Path, digest: str) -> None:
    with pytest.raises(ValueError, match="digest"):
        get("file:///nowhere", cache, digest=digest)
    assert not cache.exists()


def test_no_mirror_at_all(cache: Path) -> None:
    with pytest.raises(FetchError, match="no mirror is named"):
        get("net", cache, repos=())
