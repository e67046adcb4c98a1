"""Cutting a text into parts at a separator, and a file into lines."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Splitter:
    """A function from a text to the parts between the separators; it can be pickled."""

    separator: str | None = None  # None: any run of white space, and no part is empty

    def __call__(self, text: str) -> list[str]:
        """The parts of ``text``; an empty text has none."""
        return text.split(self.separator) if text else []


split_words = Splitter()
split_lines = Splitter("\n")


def read_lines(path: str | os.PathLike[str]) -> list[str]:
    """The lines of a file without their ends; a byte order mark is left out.

    Raises:
        ValueError: it is not UTF-8; the message has the file and the line.
    """
    raw = Path(path).read_bytes()
    try:
        lines = raw.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}, line {line} is not UTF-8: {error.reason}") from error
    if not lines[-1]:
        lines.pop()
    return [line.rstrip("\r") for line in lines]
