"""What the headers of an HTTP answer, and the failures of a connection, say about a download."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

import urllib3.exceptions
from requests import exceptions


def range_start(headers: Mapping[str, str]) -> int | None:
    """The position of the body's first byte, by ``Content-Range: bytes 5-9/10``."""
    unit, _, span = headers.get("Content-Range", "").partition(" ")
    first = span.partition("-")[0]
    return int(first) if unit == "bytes" and first.isdecimal() else None


def announced(headers: Mapping[str, str], start: int) -> int | None:
    """Bytes of the whole content, of which the body begins at ``start``, where they tell."""
    length = headers.get("Content-Length", "")
    return start + int(length) if length.isdecimal() else None


def validator(headers: Mapping[str, str]) -> str:
    """What names this version of the content in ``If-Range``; empty where nothing does."""
    etag = headers.get("ETag", "")
    if etag and not etag.startswith("W/"):  # weak ones do not promise equal bytes
        return etag
    return headers.get("Last-Modified", "")


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that the server asks to wait, given as a number or a date; 0 where it does not."""
    asked = headers.get("Retry-After", "").strip()
    if asked.isdecimal():
        return float(asked)
    try:
        date = parsedate_to_datetime(asked)
    except (TypeError, ValueError):
        return 0.0
    if date.tzinfo is None:
        date = date.replace(tzinfo=timezone.utc)
    return max(0.0, (date - datetime.now(timezone.utc)).total_seconds())


def reason(err: Exception, timeout: tuple[float, float]) -> str:
    """A failure of the connection in a few words; ``timeout`` is (connect, read) in seconds."""
    if isinstance(err, exceptions.ConnectTimeout):
        return f"no connection within {timeout[0]:g} s"
    if isinstance(err, (exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError)):
        return f"no data for {timeout[1]:g} s"
    cause = getattr(err.args[0] if err.args else None, "reason", None)
    if isinstance(err, exceptions.SSLError):
        return f"the server's certificate or TLS failed: {cause or err}"
    if isinstance(err, exceptions.ConnectionError) and cause is not None:
        return f"cannot connect: {str(cause).rpartition(': ')[2]}"
    return f"the connection failed: {err}"
