"""`toolkit setup`: the command that it would run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result

from toolkit.utils import install

Run = Callable[..., Result]


def test_setup_dry_run_names_the_command(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "missing_wheel", lambda *where: None)
    result = run("setup", "--numpy2", "--dry-run")
    assert result.exit_code == 0
    assert "-m pip install --no-deps" in result.stdout
