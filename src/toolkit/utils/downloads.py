"""One URL brought to disk: ``http``, ``https`` and ``file``, resumed, retried, never trusted."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import IO
from urllib.parse import urlsplit, urlunsplit
from urllib.request import url2pathname

import requests
import urllib3.exceptions
from requests import exceptions
from tqdm import tqdm

from toolkit.utils import http_answers
from toolkit.utils.partial import Partial

_CHUNK = 1 << 16
_PROGRESS = 1 << 20  # bytes that an attempt must bring to start the count of attempts anew
# Compressed answers would make lengths and ranges mean something else than the file's bytes.
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "gluon-toolkit"}
_RETRIED = {408, 425, 429}  # and all of 5xx; any other error status is a final answer
_HOPELESS = (
    exceptions.SSLError,
    exceptions.TooManyRedirects,
    exceptions.InvalidURL,
    exceptions.InvalidSchema,
    exceptions.MissingSchema,
)
_jitter = random.Random()  # its own generator: a download must not move the user's seeded one


class SourceError(OSError):
    """A URL does not give the file; another one may."""


class _PassingError(SourceError):
    """A failure that may be gone at the next attempt."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Policy:
    """How patient a download is; times in seconds."""

    connect_timeout: float = 10.0
    read_timeout: float = 30.0  # longest silence in the middle of a body
    attempts: int = 4  # in a row without progress, for each URL
    backoff: float = 0.5  # before the second attempt; doubles from then on
    longest_wait: float = 30.0  # bounds the back-off and what a server asks for by Retry-After
    lock_timeout: float = 3600.0  # while another process downloads the same file


def wait(seconds: float) -> None:
    """Pauses between two attempts."""
    time.sleep(seconds)


def shown(url: str) -> str:
    """The URL for messages: without a user name and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def download(
    url: str, partial: Partial, *, size: int | None, progress: bool, policy: Policy
) -> bool:
    """Completes ``partial`` with the content behind ``url``.

    Args:
        url: ``http://``, ``https://`` or ``file://``.
        partial: what is there already, and where the rest goes.
        size: bytes the whole content must have, where known.
        progress: shows a bar on stderr if that is a terminal.
        policy: timeouts and attempts.

    Returns:
        Whether the content was put together from more than one answer.

    Raises:
        SourceError: where this URL does not give the content.
        OSError: where the disk does not take it.
    """
    scheme = urlsplit(url).scheme.lower()
    if scheme == "file":
        _copy(url, partial, size, progress)
        return False
    if scheme in ("http", "https"):
        return _persist(url, partial, size, progress, policy)
    raise SourceError(f"scheme {scheme!r} is not known; https, http and file are")


def _copy(url: str, partial: Partial, size: int | None, progress: bool) -> None:
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise SourceError(f"names the host {parts.netloc!r}; write file:///path for a local file")
    with _open(url2pathname(parts.path)) as source:
        total = source.seek(0, 2)
        source.seek(0)
        _check_size(total, size)
        _receive(partial, _blocks(source), (0, total), "", progress)


def _open(path: str) -> IO[bytes]:
    try:
        return open(path, "rb")
    except (OSError, ValueError) as err:
        raise SourceError(getattr(err, "strerror", None) or str(err)) from err


def _blocks(source: IO[bytes]) -> Iterator[bytes]:
    while True:
        try:
            block = source.read(_CHUNK)
        except OSError as err:
            raise SourceError(f"cannot be read: {err}") from err
        if not block:
            return
        yield block


def _persist(url: str, partial: Partial, size: int | None, progress: bool, policy: Policy) -> bool:
    """Asks until the content is whole or attempts in a row brought nothing."""
    failed, best = 0, partial.size
    while True:
        try:
            return _attempt(url, partial, size, progress, policy)
        except _PassingError as err:
            failed = 1 if partial.size >= best + _PROGRESS else failed + 1
            best = max(best, partial.size)
            if failed >= policy.attempts:
                raise SourceError(f"{err} (given up after {failed} attempts)") from err
            delay = policy.backoff * 2 ** (failed - 1) * _jitter.uniform(0.5, 1.0)
            wait(min(max(delay, err.retry_after), policy.longest_wait))


def _attempt(url: str, partial: Partial, size: int | None, progress: bool, policy: Policy) -> bool:
    """One request; says whether the answer went on where an earlier one had stopped."""
    start, validator = partial.resume()
    headers = {**_HEADERS, "Range": f"bytes={start}-", "If-Range": validator} if start else _HEADERS
    timeout = (policy.connect_timeout, policy.read_timeout)
    try:
        with requests.get(url, headers=headers, stream=True, timeout=timeout) as response:
            start = _accepted(response, start, partial)
            total = http_answers.announced(response.headers, start)
            if total is not None:
                _check_size(total, size)
            chunks = response.raw.stream(_CHUNK, decode_content=False)
            span = (start, size if total is None else total)
            _receive(partial, chunks, span, http_answers.validator(response.headers), progress)
    except _HOPELESS as err:
        raise SourceError(http_answers.reason(err, timeout)) from err
    except (exceptions.RequestException, urllib3.exceptions.HTTPError) as err:
        raise _PassingError(http_answers.reason(err, timeout)) from err
    return start > 0


def _accepted(response: requests.Response, start: int, partial: Partial) -> int:
    """Where the body of an answer begins; raises for one that has none of use."""
    code = response.status_code
    if code == 200:
        return 0
    if start and code == 206 and http_answers.range_start(response.headers) == start:
        return start
    if start and code in (206, 416):
        partial.discard()
        raise _PassingError(f"the server cannot go on at byte {start} (HTTP {code})")
    message = f"HTTP {code} {response.reason}"
    if code in _RETRIED or code >= 500:
        raise _PassingError(message, http_answers.retry_after(response.headers))
    raise SourceError(message)


def _check_size(total: int, size: int | None) -> None:
    if size is not None and total != size:
        raise SourceError(f"has {total} bytes, expected {size}")


def _receive(
    partial: Partial,
    chunks: Iterable[bytes],
    span: tuple[int, int | None],
    validator: str,
    progress: bool,
) -> None:
    """Writes an answer's body behind ``span[0]`` bytes; it has to end at ``span[1]``, if known."""
    start, total = span
    with closing(_counted(chunks, start, total, partial.destination.name, progress)) as counted:
        partial.write(counted, start, validator)
    if total is None or partial.size == total:
        return
    if partial.size < total:
        raise _PassingError(f"the connection ended after {partial.size} of {total} bytes")
    partial.discard()
    raise SourceError(f"sent more than the expected {total} bytes")


def _counted(
    chunks: Iterable[bytes], start: int, total: int | None, name: str, progress: bool
) -> Generator[bytes, None, None]:
    """Hands chunks on, shows how far they are, and stops behind an end that is known."""
    terminal = sys.stderr is not None and sys.stderr.isatty()
    with tqdm(
        desc=name,
        initial=start,
        total=total,
        unit="B",
        unit_scale=True,
        unit_divisor=1024,
        disable=not (progress and terminal),
    ) as bar:
        done = start
        for chunk in chunks:
            yield chunk
            done += len(chunk)
            bar.update(len(chunk))
            if total is not None and done > total:
                return
