"""Readers of questions on a text."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.data.text.datasets.source import DatasetError, Source


@dataclass(frozen=True)
class Answer:
    """A part of the context."""

    text: str
    start: int  # in characters


@dataclass(frozen=True)
class Question:
    """A question, the text it is about, and what people answered."""

    id: str
    question: str
    context: str
    answers: tuple[Answer, ...]
    impossible: bool = False  # the text does not answer it


def read_squad(path: str | os.PathLike[str]) -> list[Question]:
    """The questions of any file in SQuAD's JSON.

    Raises:
        DatasetError: the file is no such document.
        FileNotFoundError: it is not there.
    """
    path = Path(path)
    return squad([Source(path.parent, path.name)])


def squad(sources: Sequence[Source]) -> list[Question]:
    """SQuAD's JSON, of version 1.1 or 2.0: Rajpurkar et al., 2016, 1606.05250; 2018, 1806.03822."""
    (source,) = sources
    try:
        document = json.loads(source.text())
        return [question for article in document["data"] for question in _questions(article)]
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, DatasetError):
            raise
        raise source.error(1, f"no document of SQuAD's kind: {error!r}") from error


def _questions(article: dict[str, Any]) -> Iterator[Question]:
    for paragraph in article["paragraphs"]:
        context = paragraph["context"]
        for qa in paragraph["qas"]:
            answers = tuple(Answer(a["text"], int(a["answer_start"])) for a in qa["answers"])
            impossible = bool(qa.get("is_impossible", False))
            yield Question(str(qa["id"]), qa["question"], context, answers, impossible)
