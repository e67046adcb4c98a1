from __future__ import annotations

import io
import os
import random
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from toolkit.utils.downloads import Policy, SourceError, download, shown
from toolkit.utils.partial import Partial

BODY = random.Random(1).randbytes(300_000)
POLICY = Policy(connect_timeout=5.0, read_timeout=5.0, attempts=3)
HASTY = replace(POLICY, read_timeout=0.2)  # for servers that stall
HALF = 150_000


@pytest.fixture
def partial(tmp_path: Path) -> Partial:
    return Partial(tmp_path / "net", "sha1:01234567", "free it")


def bring(url: str, partial: Partial, policy: Policy = POLICY, size: int | None = None) -> bool:
    return download(url, partial, size=size, progress=True, policy=policy)


def test_plain_download(http_server: Any, answers: Any, partial: Partial) -> None:
    url = http_server.script("net", answers.whole(BODY))
    assert bring(url, partial, size=len(BODY)) is False
    assert partial.path.read_bytes() == BODY
    assert http_server.seen["net"][0]["Accept-Encoding"] == "identity"


def test_redirects_are_followed(http_server: Any, answers: Any, partial: Partial) -> None:
    url = http_server.script("old", answers.status(302, Location="/new"))
    http_server.script("new", answers.whole(BODY))
    bring(url, partial)
    assert partial.path.read_bytes() == BODY


def test_endless_redirects_end(
    http_server: Any, answers: Any, partial: Partial, waits: list[float]
) -> None:
    url = http_server.script("net", answers.status(302, Location="/net"))
    with pytest.raises(SourceError, match="redirects"):
        bring(url, partial)
    assert waits == []


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_final_answers_are_not_retried(
    http_server: Any, answers: Any, partial: Partial, waits: list[float], code: int
) -> None:
    url = http_server.script("net", answers.status(code), answers.whole(BODY))
    with pytest.raises(SourceError, match=f"HTTP {code}"):
        bring(url, partial)
    assert len(http_server.seen["net"]) == 1
    assert waits == []


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_passing_failures_are_retried(
    http_server: Any, answers: Any, partial: Partial, waits: list[float], code: int
) -> None:
    url = http_server.script("net", answers.status(code), answers.status(code), answers.whole(BODY))
    bring(url, partial)
    assert partial.path.read_bytes() == BODY
    assert len(waits) == 2
    assert POLICY.backoff / 2 <= waits[0] <= POLICY.backoff <= waits[1] <= 2 * POLICY.backoff


def test_attempts_are_bounded(
    http_server: Any, answers: Any, partial: Partial, waits: list[float]
) -> None:
    url = http_server.script("net", answers.status(500))
    with pytest.raises(SourceError, match=r"HTTP 500 .*given up after 3 attempts"):
        bring(url, partial)
    assert len(http_server.seen["net"]) == 3
    assert len(waits) == 2  # nothing is waited for after the last


@pytest.mark.parametrize(("asked", "waited"), [("7", 7.0), ("9999", 30.0)])
def test_retry_after_is_honoured_within_bounds(
    http_server: Any,
    answers: Any,
    partial: Partial,
    waits: list[float],
    asked: str,
    waited: float,
) -> None:
    busy = answers.status(503, Retry_After=asked)
    url = http_server.script("net", busy, answers.whole(BODY))
    bring(url, partial)
    assert waits == [waited]


def test_waiting_leaves_the_user_s_generator_alone(
    http_server: Any, answers: Any, partial: Partial, waits: list[float]
) -> None:
    random.seed(5)
    expected = random.random()
    random.seed(5)
    bring(http_server.script("net", answers.status(500), answers.whole(BODY)), partial)
    assert random.random() == expected


def test_broken_off_body_goes_on_where_it_ended(
    http_server: Any, answers: Any, partial: Partial, waits: list[float]
) -> None:
    url = http_server.script("net", answers.ranged(BODY, at=HALF), answers.ranged(BODY))
    assert bring(url, partial) is True
    assert partial.path.read_bytes() == BODY
    assert http_server.ranges("net") == [None, f"bytes={HALF}-"]
    assert http_server.seen["net"][1]["If-Range"] == '"v1"'


def test_a_date_also_allows_to_go_on(
    http_server: Any, answers: Any, partial: Partial, waits: list[float]
) -> None:
    date = "Wed, 01 Jan 2020 00:00:00 GMT"
    first = answers.cut(BODY, HALF, Last_Modified=date)
    url = http_server.script("net", first, answers.ranged(BODY, etag=date))
    bring(url, partial)
    assert partial.path.read_bytes() == BODY
    assert http_server.ranges("net")[1] == f"bytes={HALF}-"


def test_stalled_body_ends_and_goes_on(
    http_server: Any, answers: Any, partial: Partial, waits: list[float]
) -> None:
    first = answers.stalled(BODY, HALF, ETag='"v1"')
    url = http_server.script("net", first, answers.ranged(BODY))
    bring(url, partial, replace(HASTY, attempts=5))
    assert partial.path.read_bytes() == BODY
    start = int(http_server.ranges("net")[1].removeprefix("bytes=").removesuffix("-"))
    assert 0 < start <= HALF  # all but the last unfinished block


def test_stalls_in_all_attempts_are_told(
    http_server: Any, answers: Any, partial: Partial, waits: list[float]
) -> None:
    url = http_server.script("net", answers.stalled(BODY, 10))
    with pytest.raises(SourceError, match=r"no data for 0\.2 s"):
        bring(url, partial, HASTY)
    assert len(http_server.seen["net"]) == 3


def test_changed_content_starts_anew(
    http_server: Any, answers: Any, partial: Partial, waits: list[float]
) -> None:
    old = BODY[::-1]
    url = http_server.script("net", answers.ranged(old, '"old"', HALF), answers.ranged(BODY))
    assert bring(url, partial) is False
    assert partial.path.read_bytes() == BODY


@pytest.mark.parametrize("validator", [{"ETag": '"v1"'}, {}])
def test_server_that_ignores_ranges_starts_anew(
    http_server: Any, answers: Any, partial: Partial, waits: list[float], validator: dict[str, str]
) -> None:
    first = answers.cut(BODY, HALF, **validator)
    url = http_server.script("net", first, answers.whole(BODY, **validator))
    assert bring(url, partial) is False
    assert partial.path.read_bytes() == BODY
    asked = http_server.ranges("net")[1]
    assert asked == (f"bytes={HALF}-" if validator else None)


def test_range_beyond_the_end_starts_anew(
    http_server: Any, answers: Any, partial: Partial, waits: list[float]
) -> None:
    partial.write([BODY + b"too much"], validator='"v1"')
    bring(http_server.script("net", answers.ranged(BODY)), partial)
    assert partial.path.read_bytes() == BODY
    assert http_server.ranges("net") == [f"bytes={len(BODY) + 8}-", None]


def test_answer_with_another_range_starts_anew(
    http_server: Any, answers: Any, partial: Partial, waits: list[float]
) -> None:
    partial.write([BODY[:HALF]], validator='"v1"')
    span = f"bytes 7-{len(BODY) - 1}/{len(BODY)}"
    odd = lambda handler: handler.send(206, BODY[7:], Content_Range=span)  # noqa: E731
    bring(http_server.script("net", odd, answers.whole(BODY)), partial)
    assert partial.path.read_bytes() == BODY
    assert http_server.ranges("net") == [f"bytes={HALF}-", None]


def test_progress_earns_new_attempts(
    http_server: Any, answers: Any, partial: Partial, waits: list[float]
) -> None:
    large = random.Random(2).randbytes(5 << 20)
    steps = [answers.ranged(large, at=at << 20) for at in range(1, 5)]
    url = http_server.script("net", *steps, answers.ranged(large))
    bring(url, partial, replace(POLICY, attempts=2))
    assert partial.path.read_bytes() == large
    assert len(http_server.seen["net"]) == 5


def test_body_without_a_length_is_held_against_the_size(
    http_server: Any, answers: Any, partial: Partial, waits: list[float]
) -> None:
    short = answers.cut(BODY, HALF, Content_Length=None, ETag='"v1"')
    url = http_server.script("net", short, answers.ranged(BODY))
    bring(url, partial, size=len(BODY))
    assert partial.path.read_bytes() == BODY


@pytest.mark.parametrize("length", [len(BODY), None])
def test_content_of_another_size_is_refused(
    http_server: Any, answers: Any, partial: Partial, waits: list[float], length: int | None
) -> None:
    url = http_server.script("net", answers.whole(BODY, Content_Length=length))
    with pytest.raises(SourceError, match="expected"):
        bring(url, partial, size=1000)
    assert len(http_server.seen["net"]) == 1
    assert partial.size == 0


def test_nobody_listens(partial: Partial, waits: list[float]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/net"
        with pytest.raises(SourceError, match=r"cannot connect: .*refused"):
            bring(url, partial)
    assert len(waits) == 2


def test_hangs_up_without_an_answer(http_server: Any, partial: Partial, waits: list[float]) -> None:
    url = http_server.script("net", lambda handler: None)
    with pytest.raises(SourceError, match="connection failed"):
        bring(url, partial)


def test_file_url(tmp_path: Path, partial: Partial) -> None:
    source = tmp_path / "a file"
    source.write_bytes(BODY)
    assert bring(source.as_uri(), partial, size=len(BODY)) is False
    assert partial.path.read_bytes() == BODY
    partial.settle()
    assert os.listdir(tmp_path) == ["a file"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("file:///no/such/file", "No such file"),
        ("file:///", "Is a directory"),
        ("file://host/share", "host"),
        ("ftp://host/net", "'ftp' is not known; https, http and file are"),
        ("http://", "no host|No host"),
    ],
)
def test_urls_that_lead_nowhere(partial: Partial, waits: list[float], url: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        bring(url, partial)
    assert waits == []


def test_file_of_another_size(tmp_path: Path, partial: Partial) -> None:
    (tmp_path / "source").write_bytes(b"12345")
    with pytest.raises(SourceError, match="has 5 bytes, expected 6"):
        bring((tmp_path / "source").as_uri(), partial, size=6)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "progress", "bar"),
    [(Terminal(), True, True), (Terminal(), False, False), (io.StringIO(), True, False)],
)
def test_progress_bar_is_for_terminals(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    partial: Partial,
    stream: io.StringIO,
    progress: bool,
    bar: bool,
) -> None:
    (tmp_path / "source").write_bytes(BODY)
    monkeypatch.setattr(sys, "stderr", stream)
    url = (tmp_path / "source").as_uri()
    download(url, partial, size=None, progress=progress, policy=POLICY)
    assert ("net" in stream.getvalue() and "100%" in stream.getvalue()) is bar


def test_messages_hide_passwords() -> None:
    assert shown("https://me:secret@host.org:8/a?b") == "https://host.org:8/a?b"
