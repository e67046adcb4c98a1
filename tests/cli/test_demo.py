"""`toolkit demo` runs the demo."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result

from toolkit import demo


def test_demo_prints_what_the_demo_says(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "run", lambda say: say("a cat"))
    assert run("demo").stdout == "a cat\n"
