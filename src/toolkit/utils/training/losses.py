"""The losses of recent updates, read from the device all at once."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from toolkit.utils.training.errors import DivergedError, last_good
from toolkit.utils.training.objective import StepResult
from toolkit.utils.training.run import Run
from toolkit.utils.training.workers import Workers

AHEAD = 2  # batches that may be under way on the devices; more would only pile up memory
SMALL = 4096  # elements of a loss that is kept as it is until it is read


class Losses:
    """Keeps the losses of updates until they are read, and their sums over the epoch."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._waiting: deque[tuple[int, float, Any]] = deque()  # step, learning rate, loss
        self._count = 0.0
        self._epoch = [0.0, 0.0]  # sum and count of what was read in this epoch

    def add(self, run: Run, results: Sequence[StepResult]) -> None:
        """Notes the losses of the update after ``run.step`` ones."""
        for result in results:
            loss = result.loss if result.loss.size <= SMALL else result.loss.sum()
            self._waiting.append((run.step + 1, run.learning_rate, loss))
            self._count += result.divisor
        behind = AHEAD * len(results)
        if len(self._waiting) > behind:
            self._waiting[-behind - 1][2].wait_to_read()

    def read(self, run: Run) -> bool:
        """Waits for all losses; puts their mean into ``run.values``. False where there are none.

        Raises:
            DivergedError: a loss is not finite; the first such update is named.
        """
        if not self._waiting:
            return False
        total = 0.0
        for step, learning_rate, loss in self._waiting:
            value = float(loss.asnumpy().sum(dtype=np.float64))
            if not math.isfinite(value):
                raise diverged(run, f"the loss is {value}", step, learning_rate)
            total += value
        sums = self._workers.reduce({"loss": total, "count": self._count})
        if not math.isfinite(sums["loss"]):
            raise diverged(run, "the loss of another worker is not finite")
        self._waiting.clear()
        self._count = 0.0
        self._epoch[0] += sums["loss"]
        self._epoch[1] += sums["count"]
        run.record({"loss": sums["loss"] / sums["count"]})
        return True

    def end_epoch(self, run: Run) -> None:
        """Puts the mean over the epoch into ``run.values`` and begins the next one."""
        total, count = self._epoch
        if count:
            run.record({"epoch_loss": total / count})
        self._epoch = [0.0, 0.0]

    def state(self) -> list[float]:
        """What a resumed run goes on with; all losses have been read."""
        return list(self._epoch)

    def restore(self, state: list[float]) -> None:
        """Takes `state` back."""
        self._epoch = list(state)


def diverged(
    run: Run, what: str, step: int | None = None, learning_rate: float | None = None
) -> DivergedError:
    """The error that ends a run whose numbers are no longer finite."""
    rate = run.learning_rate if learning_rate is None else learning_rate
    return DivergedError(
        f"{what} at step {step or run.step} (epoch {run.epoch}, learning rate {rate:g}); "
        f"{last_good(run.last_checkpoint)}. A lower learning rate, a warm-up or clip_norm may help"
    )
