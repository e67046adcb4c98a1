"""Which of a run's values have not been told yet: what logs have in common."""

from __future__ import annotations

from toolkit.utils.training.run import Run


class News:
    """Hands each measured value out once, with the step at which it was measured."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}

    def take(self, run: Run) -> dict[str, float]:
        """The values that were measured on the parameters as they are now and not taken yet."""
        fresh = {
            name: run.values[name]
            for name, step in run.measured_at.items()
            if step == run.step and self._told.get(name) != step
        }
        self._told.update(dict.fromkeys(fresh, run.step))
        return fresh
