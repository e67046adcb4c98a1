"""A log of JSON lines that stays whole over crashes and resumes."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from toolkit.utils.disk import atomic_write, disk_errors
from toolkit.utils.training.news import News
from toolkit.utils.training.portable import portable_values
from toolkit.utils.training.record import versions
from toolkit.utils.training.run import Run

NAME = "log.jsonl"
OLD = ".old"  # what is put after the name of the log of an earlier run


class JsonLog:
    """Writes a row a reading: ``{"event": "log", "step": 50, "loss": 1.2, ...}``.

    The first row is ``start`` with the configuration and versions, rows ``log`` hold values as they
    are measured, ``epoch`` ends an epoch, ``checkpoint`` names one, ``end`` says how the run ended.
    A resumed run drops what was written after the step it goes on from, and a last line that a
    crash left in halves. A run that starts anew keeps an earlier log as ``<name>.old``. Only rank 0
    writes. Give it after what evaluates, so that it sees the values.

    Args:
        path: the file. Default: ``log.jsonl`` in the run's folder.
    """

    def __init__(self, path: Path | str | None = None) -> None:
        self._path = None if path is None else Path(path)
        self._file: IO[str] | None = None
        self._news = News()
        self._begun = 0.0  # on the monotonic clock, moved back by what earlier parts took

    def on_start(self, run: Run) -> None:
        """Writes the start row, or takes an earlier log up at the run's step."""
        if run.rank:
            return
        path = _place(self._path, run)
        kept = [row for row in _rows(path) if _step(row) <= run.step] if run.step else []
        # What counts is up to the resume: the end of the earlier part is no longer true.
        kept = [row for row in kept if row.get("event") != "end"]
        spent = max((row.get("seconds", 0.0) for row in kept), default=0.0)
        self._begun = time.monotonic() - spent
        if not run.step and path.is_file():
            os.replace(path, path.with_name(path.name + OLD))
        first = {
            "event": "resume" if run.step else "start",
            "step": run.step,
            "seconds": round(spent, 3),
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "total_steps": run.total_steps,
            "steps_per_epoch": run.steps_per_epoch,
            "seed": run.seed,
            "workers": run.size,
            "versions": versions(),
            "config": portable_values(run.config),
        }
        with atomic_write(path, "w") as file:
            file.writelines(_line(row) for row in [*kept, first])
        self._path, self._file = path, path.open("a", encoding="utf-8", newline="\n")

    def on_step(self, run: Run) -> None:
        """Writes what was evaluated between two readings of the loss."""
        self._write_news(run, "log")

    def on_log(self, run: Run) -> None:
        """Writes what was read."""
        self._write_news(run, "log")

    def on_epoch(self, run: Run) -> None:
        """Writes the values of the epoch."""
        self._write_news(run, "epoch")

    def on_checkpoint(self, run: Run, path: Path) -> None:
        """Notes the checkpoint's name."""
        self._write(run, "checkpoint", {"path": Path(path).name})

    def on_end(self, run: Run) -> None:
        """Says how the run ended, and closes the file."""
        failure = run.failure and f"{type(run.failure).__name__}: {run.failure}"
        self._write(run, "end", {"failure": failure, "stopped": run.stopped or None})
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write_news(self, run: Run, event: str) -> None:
        if self._file is not None:
            news = self._news.take(run)
            if news or event == "epoch":
                self._write(run, event, {"learning_rate": run.learning_rate, **news})

    def _write(self, run: Run, event: str, values: Mapping[str, Any]) -> None:
        if self._file is None or self._path is None:
            return
        row = {
            "event": event,
            "step": run.step,
            "epoch": run.epoch,
            "samples": run.samples,
            "seconds": round(time.monotonic() - self._begun, 3),
        }
        with disk_errors(self._path):
            self._file.write(_line({**row, **values}))
            self._file.flush()


def read_log(path: Path | str) -> list[dict[str, Any]]:
    """The rows of a log of JSON lines, whoever wrote it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line is no JSON object; a last one that was cut off is left out.
    """
    lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line) if line.strip() else None
        except ValueError as error:
            if number == len(lines) and rows:
                break
            raise ValueError(f"{path}, line {number} is not JSON: {line[:60]!r}") from error
        if row is not None and not isinstance(row, dict):
            raise ValueError(f"{path}, line {number} is no JSON object: {line[:60]!r}")
        if row is not None:
            rows.append(row)
    return rows


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    yield from read_log(path) if path.is_file() else []


def _step(row: Mapping[str, Any]) -> int:
    return int(row.get("step", 0))


def _place(path: Path | None, run: Run) -> Path:
    if path is not None:
        return path
    if run.folder is None:
        raise ValueError("JsonLog() needs a path, or a run with a folder: Setup(folder=...)")
    return run.folder / NAME


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(_finite(row), ensure_ascii=False, default=str) + "\n"


def _finite(value: Any) -> Any:
    """A value as JSON has it: what is not a finite number becomes null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return float(value) if type(value).__module__ == "numpy" and value.shape == () else value
