"""When checkpoints are taken, and which of them are kept."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from toolkit.utils.hashes import HashMismatchError
from toolkit.utils.registry import unknown
from toolkit.utils.training.early_stopping import MODES, check_mode
from toolkit.utils.training.snapshots import (
    Snapshot,
    list_checkpoints,
    name_of,
    read_snapshot,
    read_state,
    remove,
    sweep,
    write_snapshot,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoints:
    """When a run takes checkpoints, and which of them stay.

    Several conditions may hold: a checkpoint is due when any of them is met. One is taken at the
    end of the run and on SIGTERM in any case.
    """

    every_epochs: int | None = 1
    every_steps: int | None = None
    every_minutes: float | None = None
    keep: int = 2  # of the latest ones
    best: str | None = None  # a name in ``run.values``: the best ones by it stay, too
    mode: str = "max"  # what is better: "max" or "min"
    keep_best: int = 1  # of those
    resume: bool = True  # go on from the latest one; False refuses a folder that has some

    def __post_init__(self) -> None:
        check_mode(self.mode)
        if self.keep < 1 or self.keep_best < 0:
            raise ValueError(
                f"keep must be 1 or more and keep_best 0 or more, got {self.keep}, {self.keep_best}"
            )
        for name in ("every_epochs", "every_steps", "every_minutes"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be None or above 0, got {value!r}")


class Shelf:
    """The checkpoints of one run in a folder."""

    def __init__(self, folder: Path, policy: Checkpoints) -> None:
        self.folder = folder
        self._policy = policy
        self._scores: dict[Path, float | None] = {}

    def tidy(self) -> None:
        """Clears away what was left half done."""
        sweep(self.folder)

    def open(self) -> tuple[Path, Snapshot] | None:
        """Reads the newest checkpoint that is whole; None where there is none.

        Raises:
            FileExistsError: there is one, and the run is not to be resumed.
            HashMismatchError: there are some, and none of them is whole.
        """
        found = list_checkpoints(self.folder)
        if found and not self._policy.resume:
            raise FileExistsError(
                f"{self.folder} has checkpoints of another run ({found[-1].name}): "
                "resume it, or choose another folder"
            )
        flaws: list[str] = []
        for path in reversed(found):
            try:
                snapshot = read_snapshot(path)
            except (HashMismatchError, FileNotFoundError) as error:
                _log.warning("left out, as it is damaged: %s", error)
                flaws.append(str(error))
                continue
            self._scores = {p: score_of(p, self._policy.best) for p in found if p <= path}
            return path, snapshot
        if flaws:
            raise HashMismatchError("no checkpoint is whole: " + "; ".join(flaws))
        return None

    def put(self, step: int, snapshot: Snapshot) -> Path:
        """Writes a checkpoint, then removes those that need not stay."""
        path = self.folder / name_of(step)
        write_snapshot(path, snapshot)
        self._scores.pop(path, None)
        self._scores[path] = _score(snapshot.state, self._policy.best)
        for old in set(self._scores) - self._kept():
            remove(old)
            del self._scores[old]
        return path

    def _kept(self) -> set[Path]:
        latest = sorted(self._scores)[-self._policy.keep :]
        scored = {path: score for path, score in self._scores.items() if score is not None}
        best = _ranked(scored, self._policy.mode)[: self._policy.keep_best]
        return {*latest, *best}


def best_checkpoint(folder: Path | str, value: str, *, mode: str = "max") -> Path:
    """The checkpoint with the best value, the later one of equals.

    Args:
        folder: where the checkpoints lie.
        value: a name in ``run.values`` that was measured when they were taken.
        mode: what is better: "max" or "min".

    Raises:
        FileNotFoundError: the folder has no checkpoints.
        ValueError: none of them has the value.
    """
    check_mode(mode)
    found = list_checkpoints(folder)
    if not found:
        raise FileNotFoundError(f"{folder} has no checkpoints")
    scored = {path: score for path in found if (score := score_of(path, value)) is not None}
    if not scored:
        known = {name for path in found for name in read_state(path)["run"]["values"]}
        raise ValueError(unknown("value", value, known))
    return _ranked(scored, mode)[0]


def score_of(path: Path, value: str | None) -> float | None:
    """A value of a checkpoint, if it was measured on these very parameters."""
    try:
        return _score(read_state(path), value)
    except (OSError, ValueError, LookupError):  # damaged: it has no score
        return None


def _score(state: object, value: str | None) -> float | None:
    run = state["run"]  # type: ignore[index]
    fresh = value is not None and run["measured_at"].get(value) == run["step"]
    return run["values"][value] if fresh else None


def _ranked(scored: dict[Path, float], mode: str) -> list[Path]:
    """Paths, best first; of equals the later one is first."""
    sign = MODES[mode]
    return sorted(scored, key=lambda path: (sign * scored[path], path), reverse=True)
