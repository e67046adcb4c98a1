"""The tasks of GLUE as data sets: Wang et al., 2018, https://arxiv.org/abs/1804.07461."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toolkit.data.text.datasets.labelled import Reader
from toolkit.data.text.datasets.rows import TRAIN_DEV_TEST, Layout, TextSet
from toolkit.data.text.datasets.source import Source
from toolkit.data.text.glue import GLUE, GlueTask, parse_glue, parse_texts

MATCHED = ("train", "dev_matched", "dev_mismatched", "test_matched", "test_mismatched")


def _reader(task: GlueTask) -> Reader:
    """Samples ``(text, ..., class or score)``, of a test file the texts alone."""

    def read(sources: Sequence[Source]) -> list[tuple[Any, ...]]:
        (source,) = sources
        name = str(source.folder / source.name)
        if source.path.name.startswith("test"):
            return list(parse_texts(task, source.lines(), name))
        number = int if task.classes else float
        return [
            (one.first, number(one.label))
            if one.second is None
            else (one.first, one.second, number(one.label))
            for one in parse_glue(task, source.lines(), name)
        ]

    return read


def _row(name: str, task: GlueTask) -> TextSet:
    splits = MATCHED if name == "MNLI" else TRAIN_DEV_TEST
    layouts = tuple(
        Layout({split: (f"{folder}{split}.tsv",) for split in splits}, _reader(task))
        for folder in ("", f"{name}/")
    )
    return TextSet("GLUE", layouts, "https://gluebenchmark.com", task.classes)


# MNLI has all its development and test sets here, "MNLI-mm" names two of them.
SETS = {f"GLUE-{name}": _row(name, task) for name, task in GLUE.items() if name != "MNLI-mm"}
