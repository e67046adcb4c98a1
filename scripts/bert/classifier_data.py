"""Sentences and pairs with a class or a number, by the name of their task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.data.text.datasets import load_dataset
from toolkit.data.text.glue import GLUE, Example, read_glue

SETS = ("TREC", "SST_1", "SST_2")  # besides GLUE's: data sets with a class a sentence
TASKS = (*GLUE, *SETS)


@dataclass(frozen=True)
class Task:
    """The examples of a task, and what its scores are."""

    train: Sequence[Example]
    scored: Sequence[Example]  # GLUE's dev set, the test set of others
    classes: tuple[str, ...]  # none for a regression
    measures: tuple[str, ...]


def read_task(root: Path, name: str, limit: int | None = None) -> Task:
    """Reads the files in ``root``: at most ``limit`` examples of each split."""
    if name in GLUE:
        train, scored = (read_glue(root, name, split) for split in ("train", "dev"))
        return Task(train[:limit], scored[:limit], GLUE[name].classes, GLUE[name].measures)
    sets = [load_dataset(name, split, root=root) for split in ("train", "test")]
    train, scored = (
        [Example(text, None, float(label)) for text, label in list(one)[:limit]] for one in sets
    )
    return Task(train, scored, sets[0].classes, ("accuracy",))
