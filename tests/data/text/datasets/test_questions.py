from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toolkit.data.text.datasets.questions import Answer, Question, read_squad, squad
from toolkit.data.text.datasets.source import DatasetError


def document(**changes: Any) -> str:
    qa = {"id": "q", "question": "Who?", "answers": [{"text": "He", "answer_start": 0}], **changes}
    return json.dumps({"data": [{"paragraphs": [{"context": "He did.", "qas": [qa]}]}]})


def test_both_versions(sources: Callable) -> None:
    expected = Question("q", "Who?", "He did.", (Answer("He", 0),))
    assert squad(sources(document())) == [expected]
    (second,) = squad(sources(document(is_impossible=True, answers=[])))
    assert (second.impossible, second.answers) == (True, ())


@pytest.mark.parametrize("text", ["", "{}", '{"data": 3}', document(answers=[{}])])
def test_what_is_no_such_document(text: str, sources: Callable) -> None:
    with pytest.raises(DatasetError, match=r"0\.txt, line 1: no document of SQuAD's kind"):
        squad(sources(text))


def test_any_file_is_read_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "own.json").write_text(document())
    assert [one.id for one in read_squad(tmp_path / "own.json")] == ["q"]
    with pytest.raises(FileNotFoundError):
        read_squad(tmp_path / "other.json")
