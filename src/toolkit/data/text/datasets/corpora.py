"""Readers of running text and of text in two languages."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.data.text.datasets.source import Source


def sentences(sources: Sequence[Source]) -> list[list[str]]:
    """The words of each line that has some."""
    (source,) = sources
    return [words for line in source.lines() if (words := line.split())]


def whole(sources: Sequence[Source]) -> list[str]:
    """All text as one sample."""
    (source,) = sources
    return [source.text()]


def parallel(sources: Sequence[Source]) -> list[tuple[str, str]]:
    """Two files of equally many lines: samples ``(source, target)``."""
    first, second = (source.lines() for source in sources)
    if len(first) != len(second):
        what = f"files of {len(first)} and {len(second)} lines"
        raise sources[1].error(min(len(first), len(second)) + 1, what)
    return list(zip(first, second, strict=True))
