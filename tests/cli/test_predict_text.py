"""`toolkit predict --text`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from toolkit import deploy
from toolkit.deploy.text_readings import EntityPrediction, IntentPrediction, ScorePrediction

Run = Callable[..., Result]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A fake predictor; records what it was made of and asked for."""
    seen: list[Any] = []
    answers = {
        "a score": [ScorePrediction(2.5)],
        "a name": [EntityPrediction("place", "name", 2, 6, 0.75)],
        "an intent": [
            IntentPrediction(1, "go", 0.5, (EntityPrediction("place", "York", 2, 6, 0.75),) * 2)
        ],
        "none": [],
        "a vector": np.array([0.5, -1], np.float32),
        "a text": "written",
    }

    class Fake:
        def __init__(self, model: str, weights: str, **options: Any) -> None:
            seen.append((model, weights, options))

        def __call__(self, texts: list[str], pairs: Any, *, top: int) -> list[Any]:
            seen.append((texts, pairs, top))
            return [answers[text] for text in texts]

    monkeypatch.setitem(vars(deploy), "TextPredictor", Fake)
    return seen


def test_slots_stand_beside_their_intent(run: Run, made: list[Any]) -> None:
    names = ["--labels", "l.txt", "--slots", "s.txt", "--size", "layers", "2"]
    result = run("predict", "m", "--text", "an intent", "--weights", "w", *names)
    assert result.exit_code == 0, result.output
    assert made[0][2]["slots"] == "s.txt"
    assert made[0][2]["sizes"] == {"layers": 2}
    assert result.stdout.splitlines()[2].split("  ")[-1] == "place: York, place: York"


def test_texts_of_every_kind(run: Run, made: list[Any]) -> None:
    words = [f"--text={text}" for text in ("a score", "a name", "none", "a vector", "a text")]
    result = run("predict", "m", *words, "--weights", "w", "--labels", "l.txt", "--top", "3")
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[2] == ["2.5000"]
    assert lines[5] == ["place", "name", "2", "6", "0.7500"]
    assert lines[7] == ["nothing", "found"]
    assert lines[9] == ["0.50000", "-1.00000"]
    assert lines[11] == ["written"]
    (model, weights, options), (texts, pairs, top) = made
    assert (model, weights, options["labels"], top) == ("m", "w", "l.txt", 3)
    assert (len(texts), pairs) == (5, None)


def test_as_json_with_contexts(run: Run, made: list[Any]) -> None:
    words = ("--text", "a name", "--context", "c", "--weights", "w", "--json")
    (row,) = json.loads(run("predict", "m", *words).stdout)
    assert row["predictions"][0]["type"] == "place"
    assert made[1][1] == "c"
    run("predict", "m", *words, "--text", "none", "--context", "d")
    assert made[3][1] == ["c", "d"]


def test_sampling_is_handed_on(run: Run, made: list[Any]) -> None:
    run("predict", "m", "--text", "a text", "--weights", "w", "--temperature", "0.5")
    assert made[0][2]["sampling"].temperature == 0.5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--text", "a"], "--text needs --weights"),
        ([], "either pictures, or texts"),
        (["one.jpg", "--text", "a", "--weights", "w"], "either pictures, or texts"),
    ],
)
def test_wrong_command_lines(run: Run, made: list[Any], words: list[str], message: str) -> None:
    result = run("predict", "m", *words)
    assert result.exit_code == 2
    assert message in result.stderr
