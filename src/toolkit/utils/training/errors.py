"""How a training run may fail."""

from __future__ import annotations

from pathlib import Path

INTERRUPTED = 75  # the exit code of a run that was told to end and can be resumed: EX_TEMPFAIL


class DivergedError(ArithmeticError):
    """The loss or the parameters are no longer finite."""


class MetricError(RuntimeError):
    """A metric raised an error: which one, at which batch."""


class Interrupted(SystemExit):
    """The run was told to end by a signal; a process that lets this pass exits with code 75."""

    def __init__(self, message: str) -> None:
        super().__init__(INTERRUPTED)
        self.message = message

    def __str__(self) -> str:
        return self.message


def last_good(checkpoint: Path | None) -> str:
    """Names the checkpoint to go back to, for a message."""
    return f"last good checkpoint: {checkpoint}" if checkpoint else "there is no checkpoint"
