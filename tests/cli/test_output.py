"""Values as text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from toolkit.cli.output import cell, print_json


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), ({"top1": 92.5, "top5": 99}, "top1 92.5, top5 99"), ((1, "a"), "1, a"), (7, "7")],
)
def test_a_cell(value: Any, text: str) -> None:
    assert cell(value) == text


def test_json_takes_any_value(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"path": Path("a/b"), "name": "é"})
    text = capsys.readouterr().out
    assert "é" in text
    assert json.loads(text) == {"path": "a/b", "name": "é"}
