from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from toolkit.data.vision import download as download_module
from toolkit.data.vision.download import DownloadError, download
from toolkit.data.vision.image import ImageError, read_image

BODY = bytes(range(256)) * 40


class Handler(BaseHTTPRequestHandler):
    files: dict[str, bytes] = {"/body": BODY}  # noqa: RUF012

    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/body")
            self.end_headers()
            return
        if self.path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", str(2 * len(BODY)))
            self.end_headers()
            self.wfile.write(BODY)
            self.close_connection = True
            return
        content = self.files.get(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *args: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv("TOOLKIT_OFFLINE", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_content_and_redirects(server: str) -> None:
    assert download(f"{server}/body") == BODY
    assert download(f"{server}/moved") == BODY


def test_an_image_is_read(
    server: str,
    photo: np.ndarray,
    encode: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(Handler.files, "/a.png", encode(photo, "PNG"))
    np.testing.assert_array_equal(read_image(f"{server}/a.png"), photo)
    with pytest.raises(ImageError, match=r"/body: not an image"):
        read_image(f"{server}/body")
    with pytest.raises(ImageError, match=r"/none.*404"):
        read_image(f"{server}/none")


def test_failures_say_why(server: str) -> None:
    with pytest.raises(DownloadError, match="404"):
        download(f"{server}/none")
    with pytest.raises(DownloadError, match=f"more than the {len(BODY) - 1} bytes"):
        download(f"{server}/body", max_bytes=len(BODY) - 1)
    with pytest.raises(DownloadError, match=r"cut off|IncompleteRead"):
        download(f"{server}/cut")


def test_a_server_that_never_ends_is_left(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "TOTAL_SECONDS", -1.0)
    with pytest.raises(DownloadError, match="not complete after"):
        download(f"{server}/body")


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOOLKIT_OFFLINE", raising=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(DownloadError, match=str(port)):
            download(f"http://127.0.0.1:{port}/a.png")


def test_offline_asks_nobody(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLKIT_OFFLINE", "1")
    with pytest.raises(DownloadError, match="TOOLKIT_OFFLINE"):
        download(f"{server}/body")
