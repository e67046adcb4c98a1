"""`toolkit plot`: a picture from logs, and errors that say which log is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.0}\n')
    return path


def test_plot_writes_a_picture(run: Run, log: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "curves.png"
    result = run("plot", str(log), "-o", str(out), "--value", "loss", "--smooth", "0.5")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{out}\n"
    assert out.stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "message"),
    [(("--value", "nosuch"), "unknown value 'nosuch'"), (("--x", "epoch"), "called epoch")],
)
def test_plot_says_what_a_log_lacks(
    run: Run, log: Path, words: tuple[str, ...], message: str
) -> None:
    result = run("plot", str(log), *words)
    assert result.exit_code == 1
    assert message in result.stderr


def test_plot_names_a_missing_file(run: Run, tmp_path: Path) -> None:
    result = run("plot", str(tmp_path / "nosuch.jsonl"))
    assert result.exit_code == 1
    assert "nosuch.jsonl" in result.stderr
