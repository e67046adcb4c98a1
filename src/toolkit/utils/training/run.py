"""What is known about a training run while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Run:
    """One training run, as its callbacks see it.

    Between two updates ``step``, ``epoch``, ``batch`` and ``samples`` say what is done, so they are
    also the position at which a checkpoint is taken and a run is resumed.
    """

    net: Any  # the block that is trained
    steps_per_epoch: int  # updates
    total_steps: int  # updates after which the run is complete
    batches_per_epoch: int = 0
    seed: int = 0
    rank: int = 0  # of this worker; 0 is the one that logs and saves
    size: int = 1  # number of workers
    folder: Path | None = None  # where the run keeps its files
    config: dict[str, Any] = field(default_factory=dict)  # what it was started with, for JSON

    epoch: int = 0  # complete ones
    batch: int = 0  # batches done of the epoch that is under way
    step: int = 0  # updates made
    samples: int = 0  # samples seen by all workers
    learning_rate: float = 0.0  # of the last update
    values: dict[str, float] = field(default_factory=dict)  # latest loss and metrics
    measured_at: dict[str, int] = field(default_factory=dict)  # the step of each value
    average: Any = None  # the MovingAverage of the parameters, where there is one
    last_checkpoint: Path | None = None
    failure: BaseException | None = None  # what ended the run, where that was an error
    stopped: str = ""  # why it was ended early, where it was

    def record(self, values: Mapping[str, float]) -> None:
        """Notes values that were measured on the parameters as they are now."""
        self.values.update(values)
        self.measured_at.update(dict.fromkeys(values, self.step))

    def fresh(self, name: str) -> float | None:
        """A value, if it was measured on the parameters as they are now."""
        return self.values[name] if self.measured_at.get(name) == self.step else None

    def stop(self, reason: str) -> None:
        """Ends the run after this update, as complete."""
        self.stopped = self.stopped or reason

    @property
    def done(self) -> bool:
        """Whether no further update is to follow."""
        return bool(self.stopped) or self.step >= self.total_steps
