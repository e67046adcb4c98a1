from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from toolkit.utils.metrics import best_threshold, score_answers
from toolkit.utils.metrics.squad import exact_match, f1, normalize_answer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Denver Broncos!", "denver broncos"),
        ("an apple, a day", "apple day"),
        ("Theory", "theory"),
        ("U.S.", "us"),
        ("the", ""),
        ("  ", ""),
    ],
)
def test_answers_are_normalized(text: str, expected: str) -> None:
    assert normalize_answer(text) == expected


@pytest.mark.parametrize(
    ("prediction", "answer", "exact", "overlap"),
    [
        ("the cat", "Cat.", 1, 1),
        ("black cat sat", "cat", 0, 0.5),
        ("cat cat", "cat", 0, 2 / 3),
        ("dog", "cat", 0, 0),
        ("", "cat", 0, 0),
        ("", "", 1, 1),
    ],
)
def test_words_are_compared(prediction: str, answer: str, exact: float, overlap: float) -> None:
    assert exact_match(prediction, answer) == exact
    assert f1(prediction, answer) == pytest.approx(overlap)


def test_the_best_answer_counts() -> None:
    found = score_answers({"a": ["dog", "black cat"], "b": ["bird"]}, {"a": "cat", "b": "bird"})
    assert found == pytest.approx({"exact": 50, "f1": (200 / 3 + 100) / 2, "total": 2})


def test_a_question_without_a_prediction_is_wrong(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = score_answers({"a": ["x"], "b": ["y"]}, {"a": "x", "c": "y"})
    assert found["exact"] == 50
    assert "1 of 2 questions have no prediction" in caplog.text
    with pytest.raises(ValueError, match="there are no questions"):
        score_answers({}, {"a": "x"})


def test_questions_without_an_answer_are_told_apart() -> None:
    answers = {"a": ["cat"], "b": [], "c": []}
    found = score_answers(answers, {"a": "cat", "b": "", "c": "cat"})
    assert found["exact"] == pytest.approx(200 / 3)
    assert (found["has_answer_exact"], found["no_answer_exact"]) == (100, 50)
    assert (found["has_answer_total"], found["no_answer_total"]) == (1, 2)


def test_the_threshold_trades_answers_for_silence() -> None:
    answers = {"a": ["cat"], "b": [], "c": ["dog"], "d": []}
    predictions = {"a": "cat", "b": "x", "c": "cow", "d": "y"}
    scores = {"a": -3.0, "b": 1.0, "c": 2.0, "d": 3.0}
    threshold, best = best_threshold(answers, predictions, scores)
    assert threshold == -3.0
    assert best == 75
    chosen = {k: predictions[k] if scores[k] <= threshold else "" for k in answers}
    assert score_answers(answers, chosen)["f1"] == best
    with pytest.raises(ValueError, match="measure must be 'f1' or 'exact', got 'em'"):
        best_threshold(answers, predictions, scores, measure="em")


@pytest.mark.realdata
@pytest.mark.parametrize(
    # As torchmetrics 1.9 computes them, and so the official script.
    ("system", "exact", "overlap"),
    [("bert_ensemble", 76.4631, 86.8587), ("logreg", 37.5318, 47.9733)],
)
def test_published_systems_score_as_elsewhere(
    system: str, exact: float, overlap: float, data_root: Path
) -> None:
    folder = data_root / "xquad"
    texts = json.loads((folder / "xquad.en.dev30.json").read_text(encoding="utf-8"))
    answers = {
        question["id"]: [answer["text"] for answer in question["answers"]]
        for text in texts["data"]
        for paragraph in text["paragraphs"]
        for question in paragraph["qas"]
    }
    predictions = json.loads((folder / "preds" / f"{system}.json").read_text(encoding="utf-8"))
    found = score_answers(answers, predictions)
    assert found["total"] == 786
    assert found["exact"] == pytest.approx(exact, abs=1e-3)
    assert found["f1"] == pytest.approx(overlap, abs=1e-3)
