"""Pictures of what logs of JSON lines hold: the logic of ``toolkit plot``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.utils.disk import atomic_write
from toolkit.utils.registry import unknown
from toolkit.utils.training.json_log import read_log

AXES = {"step": "updates", "epoch": "epochs", "samples": "samples", "seconds": "seconds"}
PREFIXES = ("val_", "test_", "train_", "epoch_")  # kinds of one value share a panel
LAST = ("learning_rate",)  # panels that come after the others
STYLES = ("-", "--", ":", "-.")
FEW = 20  # points up to which each one is marked
COLUMNS = 2
PANEL = (5.6, 3.6)  # inches
DPI = 120


@dataclass(frozen=True)
class Curve:
    """One value of one log."""

    log: str
    value: str
    x: tuple[float, ...]
    y: tuple[float, ...]

    @property
    def panel(self) -> str:
        """The value without what tells its kinds apart: ``loss`` for ``val_loss``."""
        for prefix in PREFIXES:
            if self.value.startswith(prefix) and len(self.value) > len(prefix):
                return self.value.removeprefix(prefix)
        return self.value


def read_curves(
    paths: Sequence[Path], *, x: str | None = None, values: Sequence[str] = ()
) -> tuple[str, list[Curve]]:
    """The axis and the curves of some logs.

    Args:
        paths: files of JSON lines, or folders with a ``log.jsonl``.
        x: a name in ``AXES``. Default: the first of them that all logs have.
        values: names of the values to show. Default: every number that is no axis.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a file is no log, has no such axis, or none has such a value.
    """
    files = [path / "log.jsonl" if path.is_dir() else path for path in paths]
    logs = dict(zip(_names(files), map(read_log, files), strict=True))
    axis = _axis(logs, x)
    curves = []
    for name, rows in logs.items():
        place = _place(axis, rows)
        found = dict.fromkeys(key for row in rows for key in row if key in _numbers(row))
        for value in (key for key in found if key not in AXES):
            points = [(place(row), row[value]) for row in rows if {axis, value} <= _numbers(row)]
            if points:
                xs, ys = zip(*points, strict=True)
                curves.append(Curve(name, value, xs, ys))
    known = list(dict.fromkeys(curve.value for curve in curves))
    for value in values:
        if value not in known:
            raise ValueError(unknown("value", value, known))
    curves = [curve for curve in curves if not values or curve.value in values]
    if not curves:
        raise ValueError(f"nothing to plot: {', '.join(map(str, files))} holds no numbers")
    return axis, curves


def plot(
    axis: str, curves: Sequence[Curve], path: Path, *, smooth: float = 0.0, log: bool = False
) -> None:
    """Draws curves into a PNG file, a panel for each value, a colour for each log.

    Args:
        axis: a name in ``AXES``, for the axis' title.
        curves: what to draw.
        path: the file that is written.
        smooth: weight of the past in an exponential moving average, from 0 to below 1; the raw
            curve stays visible, paler.
        log: scale the vertical axes logarithmically.

    Raises:
        ModuleNotFoundError: matplotlib is missing; the message has the command to install it.
    """
    if not 0 <= smooth < 1:
        raise ValueError(f"smooth must be from 0 to below 1, got {smooth}")
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "curves are drawn with matplotlib, which is not installed: "
            "pip install 'gluon-toolkit[plot]'",
            name="matplotlib",
        ) from error
    panels: dict[str, list[Curve]] = {}
    for curve in sorted(curves, key=lambda curve: curve.value in LAST):
        panels.setdefault(curve.panel, []).append(curve)
    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    size = (PANEL[0] * columns, PANEL[1] * rows)
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).flatten()
    colours = {name: f"C{i}" for i, name in enumerate(dict.fromkeys(c.log for c in curves))}
    for place, (title, group) in zip(grid, panels.items(), strict=False):
        _draw(place, title, group, colours, smooth)
        place.set_xlabel(AXES[axis])
        if log:
            place.set_yscale("log")
    for place in grid[len(panels) :]:
        place.set_visible(False)
    with atomic_write(path) as file:
        figure.savefig(file, format="png")


def _draw(
    place: Any, title: str, group: Sequence[Curve], colours: Mapping[str, str], smooth: float
) -> None:
    """One panel: colours tell logs apart, line styles kinds of the value."""
    kinds = list(dict.fromkeys(curve.value for curve in group))
    for curve in group:
        label = curve.value if len(colours) == 1 else f"{curve.log}: {curve.value}"
        look = {
            "color": colours[curve.log],
            "linestyle": STYLES[kinds.index(curve.value) % len(STYLES)],
            "marker": "." if len(curve.x) <= FEW else None,
        }
        if smooth and len(curve.x) > 2:
            place.plot(curve.x, curve.y, color=look["color"], alpha=0.25, linewidth=0.8)
            place.plot(curve.x, smoothed(curve.y, smooth), label=label, **look)
        else:
            place.plot(curve.x, curve.y, label=label, **look)
    place.set_title(title)
    place.grid(True, alpha=0.3)
    if len(group) > 1 or len(colours) > 1:
        place.legend(fontsize="small")


def smoothed(values: Sequence[float], weight: float) -> list[float]:
    """The exponential moving average, corrected for its beginning."""
    total, norm, result = 0.0, 0.0, []
    for value in values:
        total = weight * total + (1 - weight) * value
        norm = weight * norm + (1 - weight)
        result.append(total / norm)
    return result


def _numbers(row: Mapping[str, Any]) -> set[str]:
    """The keys of a row that hold numbers; those of a start row only describe the run."""
    if row.get("event") in ("start", "resume"):
        return set()
    return {k for k, v in row.items() if isinstance(v, int | float) and not isinstance(v, bool)}


def _axis(logs: Mapping[str, Sequence[Mapping[str, Any]]], x: str | None) -> str:
    """The axis that is asked for, or the first that all logs have."""
    if x is not None and x not in AXES:
        raise ValueError(unknown("axis", x, AXES))
    wanted = AXES if x is None else (x,)
    for axis in wanted:
        lacking = [
            name for name, rows in logs.items() if not any(axis in _numbers(r) for r in rows)
        ]
        if not lacking:
            return axis
    raise ValueError(f"{', '.join(lacking)} has no row with a number called {' or '.join(wanted)}")


def _place(axis: str, rows: Sequence[Mapping[str, Any]]) -> Callable[[Mapping[str, Any]], float]:
    """Gives the place of a row on the axis; within an epoch that is a fraction, where known."""
    per_epoch = next((row["steps_per_epoch"] for row in rows if "steps_per_epoch" in row), None)

    def place(row: Mapping[str, Any]) -> float:
        if axis == "epoch" and per_epoch and "step" in row:
            return float(row["step"] / per_epoch)
        return float(row[axis])

    return place


def _names(files: Sequence[Path]) -> list[str]:
    """A short name for each file: its stem, with as many folders before it as tell them apart."""
    parts = [path.absolute().with_suffix("").parts for path in files]
    parts = [p[:-1] if p[-1] == "log" and len(p) > 2 else p for p in parts]
    for depth in range(1, max(map(len, parts), default=1) + 1):
        names = ["/".join(p[-depth:]) for p in parts]
        if len(set(names)) == len(names):
            return names
    raise ValueError(f"a log is given twice: {', '.join(map(str, files))}")
