from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.utils import sources

BUILT_IN = "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOOLKIT_REPO", "MXNET_GLUON_REPO", "TOOLKIT_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


def test_built_in_mirror() -> None:
    assert sources.mirrors() == (BUILT_IN,)


def test_order_separators_slashes_and_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLKIT_REPO", " https://a.org/x,http://b.org/y//  file:///c, ")
    monkeypatch.setenv("MXNET_GLUON_REPO", "https://d.org https://a.org/x/")
    expected = ("https://a.org/x/", "http://b.org/y/", "file:///c/", "https://d.org/", BUILT_IN)
    assert sources.mirrors() == expected


def test_a_folder_is_a_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLKIT_REPO", str(tmp_path))
    assert sources.mirrors()[0] == tmp_path.as_uri() + "/"


def test_candidates() -> None:
    urls = sources.candidates("/gluon/x.zip", ["https://a.org", "file:///b/"])
    assert urls == ["https://a.org/gluon/x.zip", "file:///b/gluon/x.zip"]
    assert sources.candidates("http://c.org/x", ["https://a.org"]) == ["http://c.org/x"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", True), ("true", True), ("", False), ("0", False), ("No", False), ("off", False)],
)
def test_offline(monkeypatch: pytest.MonkeyPatch, value: str, expected: bool) -> None:
    monkeypatch.setenv("TOOLKIT_OFFLINE", value)
    assert sources.offline() is expected


@pytest.mark.parametrize(("url", "local"), [("FILE:///a", True), ("http://a", False)])
def test_is_local(url: str, local: bool) -> None:
    assert sources.is_local(url) is local
