from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from toolkit.data.text.datasets.questions import Answer, Question, squad
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
