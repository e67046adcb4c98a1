from __future__ import annotations

import os
import signal
import threading

import pytest

from toolkit.utils.training.interrupts import Interrupts


def test_a_signal_is_noted_and_the_handler_goes_away() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts() as interrupts:
        assert not interrupts.received
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupts.received
    assert signal.getsignal(signal.SIGTERM) is before


def test_other_threads_leave_signals_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def inside() -> None:
        with Interrupts():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_child_that_is_forked_meanwhile_ends_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[object, ...]] = []
    with Interrupts() as interrupts:
        monkeypatch.setattr(os, "getpid", lambda: -5)  # as in the child
        monkeypatch.setattr(signal, "signal", lambda *args: calls.append(args))
        monkeypatch.setattr(os, "kill", lambda *args: calls.append(args))
        interrupts._note(signal.SIGTERM, None)
        monkeypatch.undo()
    assert calls == [(signal.SIGTERM, signal.SIG_DFL), (-5, signal.SIGTERM)]
    assert not interrupts.received
