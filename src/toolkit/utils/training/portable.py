"""Words and values without the folders of this machine, for what is kept beside a run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def portable(word: str) -> str:
    """A path as it would be written from the working folder; other words stay.

    Below the working folder or beside it paths become relative, below the home folder they begin
    with ``~``. Only what shares no folder with either keeps its full name. ``--out=/path`` is
    looked into.
    """
    option, equals, value = word.partition("=")
    if equals and option.startswith("-"):
        return f"{option}={portable(value)}"
    path = Path(word)
    if not path.is_absolute():
        return word
    here, home = Path.cwd(), Path.home()
    if path.is_relative_to(here):
        return path.relative_to(here).as_posix()
    if home != Path(home.anchor) and path.is_relative_to(home):
        return f"~/{path.relative_to(home).as_posix()}"
    if path.parts[:2] == here.parts[:2] and len(here.parts) > 2:
        return Path(os.path.relpath(path, here)).as_posix()
    return word


def portable_values(value: Any) -> Any:
    """A configuration with `portable` applied to all its texts and paths."""
    if isinstance(value, str | os.PathLike):
        return portable(os.fspath(value))
    if isinstance(value, Mapping):
        return {key: portable_values(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [portable_values(part) for part in value]
    return value
