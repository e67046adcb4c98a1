"""Cutting a text into parts at a separator."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Splitter:
    """A function from a text to the parts between the separators; it can be pickled."""

    separator: str | None = None  # None: any run of white space, and no part is empty

    def __call__(self, text: str) -> list[str]:
        """The parts of ``text``; an empty text has none."""
        return text.split(self.separator) if text else []


split_words = Splitter()
split_lines = Splitter("\n")
