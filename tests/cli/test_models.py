"""`toolkit models`: the table and the filters."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

Run = Callable[..., Result]


def test_models_is_a_table(run: Run, asked: list[Any]) -> None:
    result = run("models")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["model", "task", "classes", "weights", "published", "result"]
    assert lines[1].split() == [
        "cifar_a", "image_classifier", "10", "1234abcd", "(bundled)", "top1", "92.5",
    ]  # fmt: skip
    assert lines[2].split() == ["plain_b", "image_classifier", "1000"]
    assert "2 models, 1 with weights" in result.stderr


@pytest.mark.parametrize(
    ("words", "pattern", "options"),
    [
        ((), "*", {"task": None, "domain": None, "pretrained": None}),
        (("cifar",), "*cifar*", {"task": None, "domain": None, "pretrained": None}),
        (("cifar_?",), "cifar_?", {"task": None, "domain": None, "pretrained": None}),
        (
            ("--task", "t", "--domain", "d", "--pretrained"),
            "*",
            {"task": "t", "domain": "d", "pretrained": True},
        ),
    ],
)
def test_models_hands_the_filters_down(
    run: Run, asked: list[Any], words: tuple[str, ...], pattern: str, options: dict[str, Any]
) -> None:
    run("models", *words)
    assert asked[0][1] == options
    assert asked[0][0].replace("***", "*") == pattern


def test_models_as_json(run: Run, asked: list[Any]) -> None:
    rows = json.loads(run("models", "cifar", "--json").stdout)
    assert [row["name"] for row in rows] == ["cifar_a"]
    assert rows[0]["weights"][0]["metrics"] == {"top1": 92.5}


def test_no_model_fits(run: Run, asked: list[Any]) -> None:
    result = run("models", "nosuch")
    assert result.exit_code == 1
    assert result.stderr == "error: no model fits '*nosuch*' and the options;" + (
        " `toolkit models` lists all\n"
    )
