"""Readers of texts with a label, and of pairs of texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from toolkit.data.text.datasets.source import DatasetError, Source
from toolkit.utils.registry import unknown

Reader = Callable[[Sequence[Source]], list[Any]]


def label_first(classes: Sequence[str], *, until: str = " ") -> Reader:
    """Lines ``label text``: samples ``(text, class)``; ``until`` is what ends the label."""
    number = {name: i for i, name in enumerate(classes)}

    def read(sources: Sequence[Source]) -> list[tuple[str, int]]:
        (source,) = sources
        samples = []
        for line, row in enumerate(source.lines(), 1):
            if not row.strip():
                continue
            label, _, text = row.partition(until)
            if label not in number:
                raise source.error(line, unknown("label", label, number))
            samples.append((text.strip(), number[label]))
        return samples

    return read


def question_classes(classes: Sequence[str]) -> Reader:
    """TREC's lines ``COARSE:fine text``: samples ``(text, class)`` of the coarse classes."""
    coarse = label_first(classes, until=":")

    def read(sources: Sequence[Source]) -> list[tuple[str, int]]:
        return [(text.partition(" ")[2], label) for text, label in coarse(sources)]

    return read


def json_rows(order: Sequence[int] | None = None) -> Reader:
    """GluonNLP's JSON lists of ``[text, label]``; ``order`` turns its labels into others."""

    def read(sources: Sequence[Source]) -> list[tuple[str, int]]:
        (source,) = sources
        try:
            rows = [(str(text), int(label)) for text, label in json.loads(source.text())]
            return [(t, label if order is None else order[label]) for t, label in rows]
        except (ValueError, TypeError, IndexError) as error:
            if isinstance(error, DatasetError):
                raise
            raise source.error(1, f"no JSON list of [text, label]: {error}") from error

    return read


def table(
    texts: Sequence[str], label: str, classes: Sequence[str] | None = None, skip: str | None = None
) -> Reader:
    """Tab-separated rows under a header: samples ``(text, ..., label)``.

    Args:
        texts: the columns of the texts.
        label: that of the label.
        classes: their names; without them a label is a float.
        skip: a label whose rows are left out, such as SNLI's "-".
    """
    number = {name: i for i, name in enumerate(classes or ())}

    def read(sources: Sequence[Source]) -> list[tuple[Any, ...]]:
        (source,) = sources
        lines = source.lines()
        header = lines[0].split("\t") if lines else []
        missing = [name for name in (*texts, label) if name not in header]
        if missing:
            raise source.error(1, f"no column {missing[0]!r} in {header}")
        places = [header.index(name) for name in texts]
        samples = []
        for line, row in enumerate(lines[1:], 2):
            cells = row.split("\t")
            if len(cells) < len(header):
                raise source.error(line, f"{len(cells)} columns, expected {len(header)}")
            value = cells[header.index(label)]
            if value == skip:
                continue
            samples.append((*(cells[i] for i in places), _value(source, line, value, number)))
        return samples

    return read


def places(
    texts: Sequence[int], label: int, classes: Sequence[str], *, header: bool = True
) -> Reader:
    """Tab-separated rows whose columns are told by their places: samples ``(text, ..., class)``."""
    number = {name: i for i, name in enumerate(classes)}
    width = max(*texts, label) + 1

    def read(sources: Sequence[Source]) -> list[tuple[Any, ...]]:
        (source,) = sources
        samples = []
        for line, row in enumerate(source.lines(), 1):
            if (header and line == 1) or not row.strip():
                continue
            cells = row.split("\t")
            if len(cells) < width:
                raise source.error(line, f"{len(cells)} columns, expected {width}")
            value = _value(source, line, cells[label].strip(), number)
            samples.append((*(cells[i] for i in texts), value))
        return samples

    return read


def json_lines(keys: Sequence[str], classes: Sequence[str], skip: str = "-") -> Reader:
    """A JSON object a line: samples ``(text, ..., class)``; the last of ``keys`` is the label."""
    number = {name: i for i, name in enumerate(classes)}

    def read(sources: Sequence[Source]) -> list[tuple[Any, ...]]:
        (source,) = sources
        samples = []
        for line, row in enumerate(source.lines(), 1):
            try:
                values = [json.loads(row)[key] for key in keys]
            except (ValueError, KeyError, TypeError) as error:
                raise source.error(line, f"no JSON object with {keys}: {error!r}") from error
            if values[-1] != skip:
                label = _value(source, line, str(values[-1]), number)
                samples.append((*values[:-1], label))
        return samples

    return read


def objects(sources: Sequence[Source]) -> list[dict[str, Any]]:
    """A JSON object a line, as it is."""
    (source,) = sources
    found = []
    for line, row in enumerate(source.lines(), 1):
        try:
            found.append(dict(json.loads(row)))
        except (ValueError, TypeError) as error:
            raise source.error(line, f"no JSON object: {error}") from error
    return found


def _value(source: Source, line: int, value: str, number: dict[str, int]) -> float | int:
    if number:
        if value not in number:
            raise source.error(line, unknown("label", value, number))
        return number[value]
    try:
        return float(value)
    except ValueError:
        raise source.error(line, f"{value!r} is no number") from None
