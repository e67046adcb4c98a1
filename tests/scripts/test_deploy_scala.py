"""The Scala programs give what Python gives, and say what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.java


@pytest.mark.parametrize("kind", ["classifier", "detector", "text"])
def test_prints_what_python_finds(
    scala: Any, kind: str, prints_as_python: Callable[..., None]
) -> None:
    prints_as_python(scala, kind)


def test_an_export_that_is_not_there_is_refused(scala: Any, tmp_path: Path) -> None:
    said = scala("classify", tmp_path / "nothing", "nothing.jpg", status=2)
    assert said.startswith("error: ")
    assert "nothing-manifest.json is missing" in said
