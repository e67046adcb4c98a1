from __future__ import annotations

import logging
from typing import Any

import pytest

from toolkit.utils.training.callbacks import EVENTS, Callbacks
from toolkit.utils.training.run import Run


class Counter:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.steps = 0
        self.ended: Any = None

    def on_step(self, run: Run) -> None:
        self.steps += 1

    def on_end(self, run: Run) -> None:
        self.ended = run.failure

    def state(self) -> int:
        return self.steps

    def restore(self, state: int) -> None:
        self.steps = state


class Broken:
    def on_end(self, run: Run) -> None:
        raise RuntimeError("cannot end")


@pytest.fixture
def run() -> Run:
    return Run(None, 1, 1)


def test_each_is_told_of_what_it_asks_for(run: Run) -> None:
    first, second = Counter(), Counter()
    events = Callbacks([first, second])
    for event in EVENTS[:4]:
        events.tell(event, run)
    assert (first.steps, second.steps) == (1, 1)


def test_states_come_back_by_class_and_position(run: Run) -> None:
    first, second = Counter(), Counter()
    first.steps, second.steps = 3, 4
    states = Callbacks([first, Broken(), second]).state()
    again = Counter(), Counter(), Counter()
    Callbacks(again).restore(states)
    assert [counter.steps for counter in again] == [3, 4, 0]


def test_all_are_told_of_the_end_and_the_first_error_is_raised(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    counter = Counter()
    with pytest.raises(RuntimeError, match="cannot end"):
        Callbacks([Broken(), counter]).end(run)
    assert counter.ended is None


def test_an_error_at_the_end_does_not_hide_the_runs_own(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    run.failure = ValueError("first")
    with caplog.at_level(logging.ERROR):
        Callbacks([Broken()]).end(run)
    assert "Broken.on_end failed" in caplog.text


def test_what_is_no_callback_is_refused() -> None:
    with pytest.raises(TypeError, match="no callback"):
        Callbacks([object()])


def test_a_misspelled_event_is_refused() -> None:
    class Misspelled:
        def on_epochs(self, run: Run) -> None: ...

    with pytest.raises(ValueError, match=r"unknown event 'on_epochs'; did you mean on_epoch"):
        Callbacks([Misspelled()])
