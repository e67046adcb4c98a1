"""`toolkit predict`: answers, pictures that cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

Run = Callable[..., Result]


def test_predict_is_a_table(run: Run, asked: list[Any], made: Callable[[], Any]) -> None:
    result = run("predict", "cifar_a", "one.jpg", "two.jpg", "--top", "1")
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[1:] == [["one.jpg", "cat", "0.7500", "3"], ["two.jpg", "cat", "0.7500", "3"]]
    assert made() == ("cifar_a", True)


def test_predict_as_json(run: Run, asked: list[Any]) -> None:
    (row,) = json.loads(run("predict", "cifar_a", "one.jpg", "--json").stdout)
    assert row["image"] == "one.jpg"
    assert row["predictions"][0] == {"label": "cat", "index": 3, "prob": 0.75}


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_predict_names_the_readable_pictures_and_fails(
    run: Run, asked: list[Any], form: tuple[str, ...]
) -> None:
    result = run("predict", "cifar_a", "one.jpg", "bad.jpg", *form)
    assert result.exit_code == 1
    assert "cat" in result.stdout
    assert result.stderr == "error: 1 of 2 pictures could not be read\n"


def test_predict_with_a_file_of_weights(
    run: Run, asked: list[Any], made: Callable[[], Any]
) -> None:
    run("predict", "cifar_a", "one.jpg", "--weights", "mine.params")
    assert made() == ("cifar_a", "mine.params")
