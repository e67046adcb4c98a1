"""The tasks of GLUE, read from their own files: Wang et al., 2018, https://arxiv.org/abs/1804.07461.

A task's folder holds ``train.tsv``, ``dev.tsv`` and ``test.tsv`` as gluebenchmark.com publishes
them. Fields are cut at tabs alone: quotation marks in these files are part of the texts.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.utils.registry import unknown


@dataclass(frozen=True)
class GlueTask:
    """What tells the files of one task from those of another."""

    texts: tuple[str | int, ...]  # one column or two, by name or, without a header, by place
    label: str | int  # column of the label
    classes: tuple[str, ...] = ("0", "1")  # in order of their numbers; none for a regression
    measures: tuple[str, ...] = ("accuracy",)  # that are published
    folder: str = ""  # where it is not the task's name
    dev: str = "dev"  # file of the development set
    header: bool = True
    test_texts: tuple[str, ...] = ()  # columns of the test file, where they are other ones


_NLI = ("entailment", "not_entailment")
_MNLI = ("contradiction", "entailment", "neutral")
GLUE = {
    "CoLA": GlueTask((3,), 1, measures=("matthews",), header=False, test_texts=("sentence",)),
    "SST-2": GlueTask(("sentence",), "label"),
    "MRPC": GlueTask(("#1 String", "#2 String"), "Quality", measures=("accuracy", "f1")),
    "STS-B": GlueTask(
        ("sentence1", "sentence2"), "score", classes=(), measures=("pearson", "spearman")
    ),
    "QQP": GlueTask(("question1", "question2"), "is_duplicate", measures=("accuracy", "f1")),
    "MNLI": GlueTask(("sentence1", "sentence2"), "gold_label", classes=_MNLI, dev="dev_matched"),
    "MNLI-mm": GlueTask(
        ("sentence1", "sentence2"),
        "gold_label",
        classes=_MNLI,
        folder="MNLI",
        dev="dev_mismatched",
    ),
    "QNLI": GlueTask(("question", "sentence"), "label", classes=_NLI),
    "RTE": GlueTask(("sentence1", "sentence2"), "label", classes=_NLI),
    "WNLI": GlueTask(("sentence1", "sentence2"), "label"),
}


TESTS = {  # files without labels, as answers are handed in: the task to train on, the file
    "CoLA": ("CoLA", "CoLA/test"),
    "SST-2": ("SST-2", "SST-2/test"),
    "MRPC": ("MRPC", "MRPC/test"),
    "STS-B": ("STS-B", "STS-B/test"),
    "QQP": ("QQP", "QQP/test"),
    "MNLI-m": ("MNLI", "MNLI/test_matched"),
    "MNLI-mm": ("MNLI", "MNLI/test_mismatched"),
    "QNLI": ("QNLI", "QNLI/test"),
    "RTE": ("RTE", "RTE/test"),
    "WNLI": ("WNLI", "WNLI/test"),
    "AX": ("MNLI", "diagnostic/diagnostic"),
}


@dataclass(frozen=True)
class Example:
    """One line of a task's file."""

    first: str
    second: str | None  # of a pair
    label: float  # number of the class, or the score of a regression


def read_glue(root: str | os.PathLike[str], name: str, split: str = "train") -> list[Example]:
    """The examples of one split, ``train`` or ``dev``.

    Args:
        root: Folder that holds one folder a task.
        name: A task of ``GLUE``.
        split: ``train`` or ``dev``.

    Raises:
        ValueError: no such task or split; a line without its columns or with an unknown label, the
            file and the line named.
        FileNotFoundError: the file is not there.
    """
    if name not in GLUE:
        raise ValueError(unknown("GLUE task", name, GLUE))
    if split not in ("train", "dev"):
        raise ValueError(f"split must be 'train' or 'dev', got {split!r}")
    task = GLUE[name]
    file = task.dev if split == "dev" else split
    path = Path(root) / (task.folder or name) / f"{file}.tsv"
    return parse_glue(task, path.read_text(encoding="utf-8-sig").split("\n"), str(path))


def parse_glue(task: GlueTask, lines: Iterable[str], name: str) -> list[Example]:
    """The examples in the lines of a file; ``name`` is the file's in errors.

    Raises:
        ValueError: as ``read_glue`` does.
    """
    columns = (*task.texts, task.label)
    return [
        _example(task, fields, where) for where, fields in _rows(lines, columns, task.header, name)
    ]


def read_glue_test(root: str | os.PathLike[str], name: str) -> list[tuple[str, ...]]:
    """The texts of a file whose labels are not published, in its order.

    Args:
        root: Folder that holds one folder a task.
        name: A file of ``TESTS``, by the name under which its predictions are handed in.

    Raises:
        ValueError: no such file; a line without its columns, the file and the line named.
        FileNotFoundError: the file is not there.
    """
    if name not in TESTS:
        raise ValueError(unknown("GLUE test file", name, TESTS))
    task, file = TESTS[name]
    path = Path(root) / f"{file}.tsv"
    return parse_texts(GLUE[task], path.read_text(encoding="utf-8-sig").split("\n"), str(path))


def parse_texts(task: GlueTask, lines: Iterable[str], name: str) -> list[tuple[str, ...]]:
    """The texts in the lines of a task's test file, whose labels nobody has.

    Raises:
        ValueError: a line without its columns.
    """
    rows = _rows(lines, task.test_texts or task.texts, True, name)
    return [tuple(fields) for _, fields in rows]


def _rows(
    lines: Iterable[str], columns: Sequence[str | int], header: bool, name: str
) -> Iterator[tuple[str, list[str]]]:
    """Of each line that is not empty, where it is, and its columns by name or place."""
    rows = [line.rstrip("\r").split("\t") for line in lines if line.strip()]
    names = rows[0] if header and rows else []
    places = [_place(name, names, column) for column in columns]
    begin = 1 if header else 0
    for number, row in enumerate(rows[begin:], begin + 1):
        where = f"{name}, line {number}"
        if len(row) <= max(places):
            raise ValueError(f"{where}: {len(row)} columns, at least {max(places) + 1} are needed")
        yield where, [row[place].strip() for place in places]


def _place(path: str, names: list[str], column: str | int) -> int:
    if isinstance(column, int):
        return column
    if column not in names:
        raise ValueError(f"{path}: no column {column!r}; there are {', '.join(names)}")
    return names.index(column)


def _example(task: GlueTask, fields: list[str], where: str) -> Example:
    *texts, label = fields
    if task.classes and label not in task.classes:
        raise ValueError(f"{where}: label {label!r} is none of {', '.join(task.classes)}")
    value = task.classes.index(label) if task.classes else float(label)
    return Example(texts[0], texts[1] if len(texts) > 1 else None, float(value))
