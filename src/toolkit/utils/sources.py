"""Where files may come from."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

BUILT_IN = ("https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/",)


def mirrors() -> tuple[str, ...]:
    """Base URLs to try in order, each with a slash at its end.

    They come from ``$TOOLKIT_REPO`` (several are separated by blanks or commas), then
    ``$MXNET_GLUON_REPO``, then the built-in list. A plain folder stands for its ``file://`` URL.
    """
    named = " ".join(os.environ.get(key, "") for key in ("TOOLKIT_REPO", "MXNET_GLUON_REPO"))
    return tuple(dict.fromkeys(map(_base, [*named.replace(",", " ").split(), *BUILT_IN])))


def candidates(url_path: str, repos: Iterable[str]) -> list[str]:
    """The URLs of one file: itself where it is a full URL, else one below each mirror."""
    if "://" in url_path:
        return [url_path]
    return [_base(repo) + url_path.lstrip("/") for repo in repos]


def offline() -> bool:
    """Whether ``$TOOLKIT_OFFLINE`` forbids the network; ``file://`` stays allowed."""
    value = os.environ.get("TOOLKIT_OFFLINE", "").strip().lower()
    return value not in ("", "0", "false", "no", "off")


def is_local(url: str) -> bool:
    """Whether a URL needs no network."""
    return urlsplit(url).scheme.lower() == "file"


def _base(mirror: str) -> str:
    """A mirror's URL with one slash at its end; a folder's path becomes one."""
    if "://" not in mirror:
        mirror = Path(mirror).expanduser().absolute().as_uri()
    return mirror.rstrip("/") + "/"
