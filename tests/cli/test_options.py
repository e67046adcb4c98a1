"""Options and argument types: wrong usage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

Run = Callable[..., Result]


@pytest.mark.parametrize(
    "words",
    [
        ("nosuch",),
        ("predict", "cifar_a"),
        ("predict", "cifar_a", "a.jpg", "--top", "0"),
        ("export", "cifar_a", "x", "--size", "224"),
        ("export", "cifar_a", "x", "--size", "0x5"),
        ("models", "--nosuch"),
    ],
)
def test_wrong_usage_is_status_2(run: Run, asked: list[Any], words: tuple[str, ...]) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr
