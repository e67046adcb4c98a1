"""Readers of sentences whose words have tags: columns, intents and slots, dependency trees."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.data.text.datasets.labelled import Reader
from toolkit.data.text.datasets.source import Source
from toolkit.data.text.treebank import Sentence, parse_treebank


def columns(*places: int, separator: str | None = None, comment: str | None = None) -> Reader:
    """CoNLL's words, one a line, sentences apart by an empty one: a tuple of lists a sentence.

    Args:
        places: the columns to read; negative ones count from the end.
        separator: between columns; any white space by default.
        comment: begins a line that is left out, such as ``-DOCSTART-``.
    """

    def read(sources: Sequence[Source]) -> list[tuple[list[str], ...]]:
        (source,) = sources
        sentences: list[tuple[list[str], ...]] = []
        rows: list[list[str]] = []
        width = None
        for line, row in enumerate([*source.lines(), ""], 1):
            if comment is not None and row.startswith(comment):
                continue
            cells = row.split(separator)
            if not row.strip():
                if rows:
                    sentences.append(tuple([r[i] for r in rows] for i in range(len(places))))
                rows = []
                continue
            width = len(cells) if width is None else width
            if len(cells) != width:
                raise source.error(line, f"{len(cells)} columns, expected {width}: {row[:60]!r}")
            rows.append([cells[i] for i in places])
        return sentences

    return read


def side_by_side(sources: Sequence[Source]) -> list[tuple[list[str], ...]]:
    """CoNLL's words whose columns stand in several files: a tuple of lists a sentence.

    How many columns there are may change from sentence to sentence: CoNLL-2004 has one for the
    arguments of each of a sentence's verbs.
    """
    files = [source.lines() for source in sources]
    if len({len(lines) for lines in files}) > 1:
        counts = " and ".join(str(len(lines)) for lines in files)
        raise sources[0].error(min(map(len, files)) + 1, f"files of {counts} lines")
    sentences: list[tuple[list[str], ...]] = []
    rows: list[list[str]] = []
    for line, parts in enumerate([*zip(*files, strict=True), ("",) * len(files)], 1):
        cells = [cell for part in parts for cell in part.split()]
        if not cells:
            if rows:
                sentences.append(tuple(map(list, zip(*rows, strict=True))))
            rows = []
            continue
        if rows and len(cells) != len(rows[0]):
            raise sources[-1].error(line, f"{len(cells)} columns, expected {len(rows[0])}")
        if not all(part.strip() for part in parts):
            raise sources[0].error(line, "a sentence ends in one file and not in another")
        rows.append(cells)
    return sentences


def intents_and_slots(sources: Sequence[Source]) -> list[tuple[list[str], list[str], str]]:
    """Three files of equally many lines: samples ``(words, slots, intent)``."""
    words, slots, intents = (source.lines() for source in sources)
    if not len(words) == len(slots) == len(intents):
        counts = f"{len(words)}, {len(slots)} and {len(intents)}"
        raise sources[0].error(
            min(map(len, (words, slots, intents))) + 1, f"files of {counts} lines"
        )
    samples = []
    for line, row in enumerate(zip(words, slots, intents, strict=True), 1):
        first, second = row[0].split(), row[1].split()
        if len(first) != len(second):
            raise sources[1].error(line, f"{len(second)} slots for {len(first)} words")
        samples.append((first, second, row[2].strip()))
    return samples


def trees(sources: Sequence[Source]) -> list[Sentence]:
    """CoNLL-U: sentences, sequences of their tokens with ranges and empty nodes among them."""
    (source,) = sources
    return parse_treebank(source)
