from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.utils.training.curves import Curve, plot, read_curves, smoothed

ROWS: list[dict[str, Any]] = [
    {"event": "start", "step": 0, "seed": 3, "config": {"lr": 0.1}},
    {"event": "log", "step": 1, "epoch": 0, "loss": 2.0, "flag": True},
    {"event": "log", "step": 2, "epoch": 0, "loss": None},
    {"event": "epoch", "step": 2, "epoch": 1, "val_loss": 1.5, "val_accuracy": 0.5},
    {"event": "log", "step": 3, "epoch": 1, "loss": 1.0},
]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_curves_are_the_numbers_of_a_log(tmp_path: Path) -> None:
    axis, curves = read_curves([write(tmp_path / "a.jsonl", ROWS)])
    assert axis == "step"
    assert curves == [
        Curve("a", "loss", (1, 3), (2.0, 1.0)),
        Curve("a", "val_loss", (2,), (1.5,)),
        Curve("a", "val_accuracy", (2,), (0.5,)),
    ]
    assert [curve.panel for curve in curves] == ["loss", "loss", "accuracy"]


def test_logs_are_named_by_what_tells_them_apart(tmp_path: Path) -> None:
    first = write(tmp_path / "first" / "log.jsonl", ROWS)
    second = write(tmp_path / "second" / "log.jsonl", ROWS)
    _, curves = read_curves([first, second.parent], values=["loss"])
    assert [curve.log for curve in curves] == ["first", "second"]
    with pytest.raises(ValueError, match="given twice"):
        read_curves([first, first])


def test_the_axis_is_one_that_all_logs_have(tmp_path: Path) -> None:
    new = write(tmp_path / "new.jsonl", ROWS)
    old = write(tmp_path / "old.jsonl", [{"epoch": 1, "loss": 3.0}, {"epoch": 2, "loss": 2.0}])
    assert read_curves([new, old])[0] == "epoch"
    with pytest.raises(ValueError, match="old has no row with a number called step"):
        read_curves([new, old], x="step")
    with pytest.raises(ValueError, match="unknown axis 'steps'; did you mean step"):
        read_curves([new], x="steps")


def test_within_an_epoch_readings_lie_side_by_side(tmp_path: Path) -> None:
    rows = [{"event": "start", "step": 0, "steps_per_epoch": 2}, *ROWS[1:]]
    _, curves = read_curves([write(tmp_path / "a.jsonl", rows)], x="epoch", values=["loss"])
    assert curves[0].x == (0.5, 1.5)


def test_unknown_values_and_empty_logs_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", ROWS)
    with pytest.raises(ValueError, match="unknown value 'los'; did you mean loss"):
        read_curves([path], values=["los"])
    with pytest.raises(ValueError, match="nothing to plot"):
        read_curves([write(tmp_path / "b.jsonl", [{"step": 1}])])


def test_smoothing_is_a_corrected_moving_average() -> None:
    values = [4.0, 2.0, 6.0]
    weights = [np.array([0.5**k for k in range(n, -1, -1)]) for n in range(3)]
    expected = [float(w @ values[: len(w)] / w.sum()) for w in weights]
    assert smoothed(values, 0.5) == pytest.approx(expected)


def test_the_picture_shows_every_curve(tmp_path: Path) -> None:
    figure = pytest.importorskip("matplotlib.figure")
    drawn = []
    original = figure.Figure.savefig

    def savefig(self: Any, *args: Any, **options: Any) -> None:
        drawn.append(self)
        original(self, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figure.Figure, "savefig", savefig)
        paths = [write(tmp_path / f"{n}.jsonl", ROWS) for n in ("a", "b")]
        plot(*read_curves(paths), tmp_path / "out.png", smooth=0.5)
    assert (tmp_path / "out.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    panels = {axes.get_title(): axes for axes in drawn[0].axes if axes.get_visible()}
    assert set(panels) == {"loss", "accuracy"}
    legend = [text.get_text() for text in panels["loss"].get_legend().get_texts()]
    assert legend == ["a: loss", "a: val_loss", "b: loss", "b: val_loss"]
    assert panels["loss"].get_xlabel() == "updates"
    lines = panels["loss"].get_lines()
    assert lines[0].get_color() != lines[2].get_color()
    assert lines[0].get_linestyle() != lines[1].get_linestyle()


def test_without_matplotlib_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'gluon-toolkit\[plot\]'"):
        plot("step", [Curve("a", "loss", (1,), (1.0,))], tmp_path / "x.png")
    with pytest.raises(ValueError, match="smooth must be"):
        plot("step", [], tmp_path / "x.png", smooth=1.0)
