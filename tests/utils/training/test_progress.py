from __future__ import annotations

import io

import pytest

from toolkit.utils.training.progress import Progress
from toolkit.utils.training.run import Run


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """Time that moves when it is told to."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("toolkit.utils.training.progress.time", clock)
    return clock


def drive(progress: Progress, run: Run, clock: Clock, *, until: int) -> None:
    """Steps of 0.5 s with 8 samples each, read at every second one."""
    while run.step < until:
        clock.now += 0.5
        run.step += 1
        run.samples += 8
        run.batch += 1
        if run.step % 2 == 0:
            run.record({"loss": 1.23456, "epoch_loss": 9.0})
            progress.on_log(run)
        progress.on_step(run)


def test_the_line_says_values_rate_and_position(clock: Clock) -> None:
    stream, run = Terminal(), Run(None, 4, 8)
    progress = Progress(stream)
    progress.on_start(run)
    drive(progress, run, clock, until=6)
    progress.on_end(run)
    last = stream.getvalue().split("\r")[-1]
    assert "epoch 1" in last
    assert "75%" in last
    assert "6/8, loss 1.235, 16 samples/s" in last
    assert "epoch_loss" not in last


def test_a_resumed_run_begins_where_it_stands(clock: Clock) -> None:
    stream, run = Terminal(), Run(None, 4, 8, step=5, epoch=1, samples=40)
    progress = Progress(stream)
    progress.on_start(run)
    progress.on_end(run)
    assert "5/8" in stream.getvalue()
    assert "samples/s" not in stream.getvalue(), "earlier samples are no rate"


def test_the_rate_leaves_evaluations_out(clock: Clock) -> None:
    stream, run = Terminal(), Run(None, 4, 8)
    progress = Progress(stream)
    progress.on_start(run)
    drive(progress, run, clock, until=4)
    clock.now += 1000
    progress.on_epoch(run)
    drive(progress, run, clock, until=8)
    progress.on_end(run)
    assert "16 samples/s" in stream.getvalue().split("\r")[-1]


def test_a_file_gets_plain_lines(clock: Clock) -> None:
    stream, run = io.StringIO(), Run(None, 4, 8)
    progress = Progress(stream, every=0)
    progress.on_start(run)
    drive(progress, run, clock, until=8)
    progress.on_end(run)
    lines = stream.getvalue().splitlines()
    assert "\r" not in stream.getvalue()
    assert len(lines) >= 3
    assert lines[-1].startswith("epoch 1, step 8/8, loss 1.235, 16 samples/s [")


def test_a_file_gets_few_lines(clock: Clock) -> None:
    stream, run = io.StringIO(), Run(None, 400, 800)
    progress = Progress(stream, every=3600)
    progress.on_start(run)
    drive(progress, run, clock, until=800)
    progress.on_end(run)
    assert len(stream.getvalue().splitlines()) <= 2


def test_other_ranks_are_silent(clock: Clock) -> None:
    stream, run = Terminal(), Run(None, 4, 8, rank=1, size=2)
    progress = Progress(stream)
    progress.on_start(run)
    drive(progress, run, clock, until=8)
    progress.on_epoch(run)
    progress.on_end(run)
    assert stream.getvalue() == ""
