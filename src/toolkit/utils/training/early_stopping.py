"""Ends a run that no longer gets better."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import Any

from toolkit.utils.registry import unknown
from toolkit.utils.training.run import Run

MODES = {"max": 1.0, "min": -1.0}  # the sign that makes more of a value better


def check_mode(mode: str) -> None:
    """Raises ValueError for anything but ``max`` and ``min``."""
    if mode not in MODES:
        raise ValueError(unknown("mode", mode, MODES))


@dataclass
class EarlyStopping:
    """Ends a run when a value has not got better for ``patience`` measurements.

    It judges at the end of each epoch, if the value was measured there: the callback that measures
    goes before this one.
    """

    value: str  # a name in ``run.values``
    _: KW_ONLY
    patience: int = 5  # measurements
    mode: str = "max"  # what is better: "max" or "min"
    least: float = 0.0  # how much better counts
    best: float | None = None
    waited: int = 0  # measurements since the best one

    def __post_init__(self) -> None:
        check_mode(self.mode)

    def on_epoch(self, run: Run) -> None:
        """Compares the latest value with the best one."""
        latest = run.fresh(self.value)
        if latest is None:
            if self.value not in run.values and run.done:
                raise ValueError(unknown("value to stop by", self.value, run.values))
            return
        sign = MODES[self.mode]
        better = self.best is None or sign * (latest - self.best) > self.least
        if better and not math.isnan(latest):
            self.best, self.waited = latest, 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            run.stop(f"{self.value} has not got better than {self.best} {self.waited} times")

    def state(self) -> dict[str, Any]:
        """What a resumed run goes on with."""
        return {"best": self.best, "waited": self.waited}

    def restore(self, state: dict[str, Any]) -> None:
        """Takes `state` back."""
        self.best, self.waited = state["best"], state["waited"]
