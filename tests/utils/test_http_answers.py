from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from requests import exceptions

from toolkit.utils import http_answers


@pytest.mark.parametrize(
    ("header", "first"),
    [
        ("bytes 5-9/10", 5),
        ("bytes 0-9/*", 0),
        ("bytes */10", None),
        ("items 5-9/10", None),
        ("nonsense", None),
        (None, None),
    ],
)
def test_range_start(header: str | None, first: int | None) -> None:
    headers = {} if header is None else {"Content-Range": header}
    assert http_answers.range_start(headers) == first


@pytest.mark.parametrize(("length", "whole"), [("10", 15), ("many", None), ("-1", None)])
def test_announced(length: str, whole: int | None) -> None:
    assert http_answers.announced({"Content-Length": length}, 5) == whole
    assert http_answers.announced({}, 5) is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"ETag": '"a"', "Last-Modified": "then"}, '"a"'),
        ({"ETag": 'W/"a"', "Last-Modified": "then"}, "then"),
        ({"ETag": 'W/"a"'}, ""),
        ({}, ""),
    ],
)
def test_validator(headers: dict[str, str], expected: str) -> None:
    assert http_answers.validator(headers) == expected


@pytest.mark.parametrize(("asked", "seconds"), [("7", 7.0), ("", 0.0), ("soon", 0.0), ("-3", 0.0)])
def test_retry_after(asked: str, seconds: float) -> None:
    assert http_answers.retry_after({"Retry-After": asked}) == seconds


def test_retry_after_takes_dates() -> None:
    now = datetime.now(timezone.utc)
    later = format_datetime(now + timedelta(seconds=100), usegmt=True)
    assert 90 < http_answers.retry_after({"Retry-After": later}) <= 100
    earlier = format_datetime(now - timedelta(seconds=100), usegmt=True)
    assert http_answers.retry_after({"Retry-After": earlier}) == 0


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (exceptions.ConnectTimeout(), "no connection within 3 s"),
        (exceptions.ReadTimeout(), "no data for 4.5 s"),
        (exceptions.SSLError("self-signed"), "the server's certificate or TLS failed: self-signed"),
        (exceptions.ChunkedEncodingError("odd"), "the connection failed: odd"),
    ],
)
def test_reasons(error: Exception, words: str) -> None:
    assert http_answers.reason(error, (3.0, 4.5)) == words
