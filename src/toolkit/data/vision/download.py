"""Fetches one small file from the web into memory."""

from __future__ import annotations

import time

import requests

from toolkit.utils.sources import offline

MAX_BYTES = 1 << 28  # 256 MiB: as much as the largest picture allowed has uncompressed
CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 10.0, 30.0, 120.0


class DownloadError(OSError):
    """A file cannot be fetched; the message says why."""


def download(url: str, max_bytes: int = MAX_BYTES) -> bytes:
    """The content at an ``http(s)://`` address, kept in memory only.

    Raises:
        DownloadError: offline (``TOOLKIT_OFFLINE``), unreachable, an HTTP error, larger than
            ``max_bytes``, slower than the time limits, or cut off.
    """
    if offline():
        raise DownloadError("it is on the web, and TOOLKIT_OFFLINE is set")
    timeout = (CONNECT_SECONDS, READ_SECONDS)
    try:
        with requests.get(url, stream=True, timeout=timeout) as response:
            response.raise_for_status()
            return _content(response, max_bytes)
    except requests.RequestException as error:
        raise DownloadError(str(error)) from error


def _content(response: requests.Response, max_bytes: int) -> bytes:
    """The body, in pieces so that no server can fill the memory or hold the line for ever."""
    deadline = time.monotonic() + TOTAL_SECONDS
    declared = int(response.headers.get("Content-Length") or 0)
    pieces: list[bytes] = []
    size = 0
    for piece in response.iter_content(1 << 16):
        pieces.append(piece)
        size += len(piece)
        if max(size, declared) > max_bytes:
            raise DownloadError(f"more than the {max_bytes} bytes allowed")
        if time.monotonic() > deadline:
            raise DownloadError(f"not complete after {TOTAL_SECONDS:.0f} seconds")
    if declared and "Content-Encoding" not in response.headers and size < declared:
        raise DownloadError(f"cut off: {size} of {declared} bytes came")
    return b"".join(pieces)
