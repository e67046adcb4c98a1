"""Scalars for TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from toolkit.utils.training.news import News
from toolkit.utils.training.run import Run

FOLDER = "tensorboard"


class TensorBoardLog:
    """Writes values and the learning rate as event files (``tensorboard --logdir runs``).

    A resumed run hides what an earlier part wrote after the step it goes on from. Only rank 0
    writes. Give it after what evaluates, so that it sees the values.

    Args:
        folder: where the event files go. Default: ``tensorboard`` in the run's folder.

    Raises:
        ModuleNotFoundError: tensorboardX is missing; the message has the command to install it.
    """

    def __init__(self, folder: Path | str | None = None) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "TensorBoardLog writes with tensorboardX, which is not installed: "
                "pip install 'gluon-toolkit[tensorboard]'",
                name="tensorboardX",
            ) from error
        self._make = SummaryWriter
        self._folder = folder
        self._news = News()
        self._writer: Any = None

    def on_start(self, run: Run) -> None:
        """Opens an event file."""
        if run.rank:
            return
        if self._folder is None and run.folder is None:
            raise ValueError(
                "TensorBoardLog() needs a folder, or a run with one: Setup(folder=...)"
            )
        folder = self._folder or Path(str(run.folder)) / FOLDER
        purge = run.step + 1 if run.step else None
        self._writer = self._make(logdir=str(folder), purge_step=purge)

    def on_step(self, run: Run) -> None:
        """Writes what was evaluated between two readings of the loss."""
        self._write(run)

    def on_log(self, run: Run) -> None:
        """Writes what was read, and the learning rate."""
        self._write(run)

    def on_epoch(self, run: Run) -> None:
        """Writes the values of the epoch, and flushes."""
        self._write(run)
        if self._writer is not None:
            self._writer.flush()

    def on_end(self, run: Run) -> None:
        """Closes the event file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _write(self, run: Run) -> None:
        news = self._news.take(run) if self._writer is not None else {}
        if "loss" in news:
            news["learning_rate"] = run.learning_rate
        for name, value in news.items():
            self._writer.add_scalar(name, value, global_step=run.step)
