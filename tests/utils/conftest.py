"""A real HTTP server on loopback that answers each path by a script; processes left running."""

from __future__ import annotations

import os
import sys
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Notes the request and runs the path's next answer."""

    protocol_version = "HTTP/1.1"
    server: HTTPServer

    def do_GET(self) -> None:
        self.close_connection = True
        self.server.next_answer(self.path, dict(self.headers))(self)

    def send(self, code: int, body: bytes = b"", **headers: object) -> None:
        """Status, headers (``Content_Length`` is the body's unless given) and body."""
        self.send_response(code)
        for name, value in {"Content_Length": len(body), **headers}.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *args: object) -> None:
        """Keeps quiet."""


class HTTPServer(ThreadingHTTPServer):
    """Serves scripted answers; the last one of a path repeats."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/"
        self.seen: dict[str, list[dict[str, str]]] = defaultdict(list)  # headers by path
        self.over = threading.Event()  # set at the end of the test: ends stalled answers
        self._scripts: dict[str, list[Answer]] = {}
        self._guard = threading.Lock()

    def script(self, path: str, *answers: Answer) -> str:
        """Sets what a path answers, request by request; returns its URL."""
        self._scripts[f"/{path}"] = list(answers)
        return self.url + path

    def next_answer(self, path: str, headers: dict[str, str]) -> Answer:
        with self._guard:
            self.seen[path.lstrip("/")].append(headers)
            answers = self._scripts.get(path, [status(404)])
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def ranges(self, path: str) -> list[str | None]:
        """The Range header of each request to a path."""
        return [headers.get("Range") for headers in self.seen[path]]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the tests."""


def status(code: int, **headers: object) -> Answer:
    """An answer without use."""
    return lambda handler: handler.send(code, b"<html>sorry</html>", **headers)


def whole(body: bytes, **headers: object) -> Answer:
    """All of the body, whatever range is asked for."""
    return lambda handler: handler.send(200, body, **headers)


def cut(body: bytes, at: int, **headers: object) -> Answer:
    """Announces the whole body and hangs up after ``at`` bytes."""
    headers = {"Content_Length": len(body), **headers}
    return lambda handler: handler.send(200, body[:at], **headers)


def stalled(body: bytes, at: int, reached: threading.Event | None = None, **headers: Any) -> Answer:
    """Announces the whole body, sends ``at`` bytes and then nothing, until the test is over."""

    def answer(handler: Handler) -> None:
        cut(body, at, **headers)(handler)
        if reached:
            reached.set()
        handler.server.over.wait(30)

    return answer


def ranged(body: bytes, etag: str = '"v1"', at: int | None = None) -> Answer:
    """Serves ``Range`` requests as RFC 9110 wants; hangs up at byte ``at`` of the content."""

    def answer(handler: Handler) -> None:
        asked = handler.headers.get("Range")
        if asked is None or handler.headers.get("If-Range", etag) != etag:
            handler.send(200, body[:at], Content_Length=len(body), ETag=etag)
            return
        first = int(asked.removeprefix("bytes=").removesuffix("-"))
        if first >= len(body):
            handler.send(416, Content_Range=f"bytes */{len(body)}")
            return
        span = f"bytes {first}-{len(body) - 1}/{len(body)}"
        length = len(body) - first
        handler.send(206, body[first:at], Content_Length=length, Content_Range=span, ETag=etag)

    return answer


class Answers:
    """The builders of answers, for tests: a conftest is not imported."""

    status = staticmethod(status)
    whole = staticmethod(whole)
    cut = staticmethod(cut)
    stalled = staticmethod(stalled)
    ranged = staticmethod(ranged)


@pytest.fixture(scope="session")
def answers() -> Answers:
    """Builders of scripted answers."""
    return Answers()


@pytest.fixture
def http_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    """A scripted HTTP server on loopback; proxies are out of the way."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with HTTPServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, noted and not waited for."""
    noted: list[float] = []
    monkeypatch.setattr("toolkit.utils.downloads.wait", noted.append)
    return noted


MARK = "TOOLKIT_TEST_MARK"


def alive(mark: str) -> list[int]:
    """The processes (no zombies) that inherited a mark through their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if f"{MARK}={mark}".encode() in environment.split(b"\0") and state not in "ZX":
            found.append(int(folder.name))
    return sorted(set(found) - {os.getpid()})


@pytest.fixture
def left() -> Iterator[Callable[..., list[int]]]:
    """Lists the processes that a test has left running.

    ``left(within=5)`` gives them so many seconds to go: who was killed takes a moment.
    """
    if not sys.platform.startswith("linux"):
        pytest.skip("processes are listed by /proc")
    mark = uuid.uuid4().hex
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MARK, mark)

        def left(within: float = 0) -> list[int]:
            deadline = time.monotonic() + within
            while found := alive(mark):
                if time.monotonic() >= deadline:
                    break
                time.sleep(0.01)
            return found

        yield left
