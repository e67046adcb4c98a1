"""One line on the terminal that says how far a run is."""

from __future__ import annotations

import sys
import time
from typing import IO, Any

from tqdm import tqdm

from toolkit.utils.training.run import Run

SMOOTHING = 0.3  # weight of the latest rate in the moving average
BAR = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{postfix} [{elapsed}<{remaining}]"
LINE = "{desc}, step {n_fmt}/{total_fmt}{postfix} [{elapsed}<{remaining}]"


class Progress:
    """A tqdm bar over all updates: epoch, values, samples a second, time left.

    Where the output is no terminal, a plain line each ``every`` seconds takes the bar's place, so
    that the log of a job stays readable. Only rank 0 shows anything.

    Args:
        stream: where to write to. Default: stderr.
        every: seconds between two plain lines.
        hidden: names of values that are left out.
    """

    def __init__(
        self,
        stream: IO[str] | None = None,
        *,
        every: float = 30.0,
        hidden: tuple[str, ...] = ("epoch_loss",),
    ) -> None:
        self._stream, self._every, self._hidden = stream, every, hidden
        self._bar: Any = None
        self._rate = 0.0
        self._mark = (0.0, 0)  # time and samples when the rate was last measured

    def on_start(self, run: Run) -> None:
        """Opens the bar at the step where the run stands."""
        self._mark, self._rate = (time.monotonic(), run.samples), 0.0
        if run.rank:
            return
        stream = self._stream or sys.stderr
        terminal = stream.isatty()
        self._bar = tqdm(
            desc=_epoch(run),
            total=run.total_steps,
            initial=run.step,
            file=stream if terminal else _Lines(stream),
            mininterval=0.2 if terminal else self._every,
            miniters=None if terminal else 1,
            dynamic_ncols=terminal,
            bar_format=BAR if terminal else LINE,
        )
        self._show(run)

    def on_step(self, run: Run) -> None:
        """Moves the bar; nothing is drawn before it is time to."""
        if self._bar is not None:
            self._bar.update(run.step - self._bar.n)

    def on_log(self, run: Run) -> None:
        """Measures the rate and takes over the values."""
        now, samples = time.monotonic(), run.samples
        seconds = now - self._mark[0]
        if seconds > 0 and samples > self._mark[1]:
            latest = (samples - self._mark[1]) / seconds
            self._rate = latest if not self._rate else _mix(self._rate, latest)
            self._mark = (now, samples)
        self._show(run)

    def on_epoch(self, run: Run) -> None:
        """Takes over what was evaluated; the time that took is not counted in the rate."""
        self._mark = (time.monotonic(), run.samples)
        self._show(run)

    def on_end(self, run: Run) -> None:
        """Draws the last state and leaves it standing."""
        if self._bar is not None:
            self._show(run)
            self._bar.n = run.step
            self._bar.close()
            self._bar = None

    def _show(self, run: Run) -> None:
        if self._bar is None:
            return
        shown = {k: v for k, v in run.values.items() if k not in self._hidden}
        parts = [f"{name} {value:.4g}" for name, value in shown.items()]
        if self._rate:
            parts.append(f"{self._rate:.4g} samples/s")
        self._bar.set_description_str(_epoch(run), refresh=False)
        self._bar.set_postfix_str(", ".join(parts), refresh=False)


def _epoch(run: Run) -> str:
    """The epoch under way, counted from 1; between two of them the one that is complete."""
    return f"epoch {run.epoch + bool(run.batch)}"


def _mix(old: float, new: float) -> float:
    return (1 - SMOOTHING) * old + SMOOTHING * new


class _Lines:
    """A stream for tqdm whose drawings over the same line become lines of their own."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._last = ""

    def write(self, text: str) -> None:
        """Writes a line, once."""
        line = text.strip("\r\n ")
        if line and line != self._last:
            self._last = line
            self._stream.write(line + "\n")

    def flush(self) -> None:
        """Flushes the stream below."""
        self._stream.flush()
