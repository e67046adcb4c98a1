from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from toolkit.deploy import trial
from toolkit.deploy.manifest import Manifest, TensorSpec
from toolkit.deploy.runner import Runner
from toolkit.deploy.trial import fastest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(trial.time, "perf_counter", lambda: now[0])
    return now


class Timed(Runner):
    def __init__(self, name: str, seconds: float, clock: list[float]) -> None:
        super().__init__(Manifest(name, (TensorSpec("x", (None, 2)),), ()))
        self.backend = name
        self.seconds, self.clock = seconds, clock
        self.batches: list[int] = []

    def _run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        self.clock[0] += self.seconds
        self.batches.append(len(arrays[0]))
        return arrays


def openers(clock: list[float], **seconds: float) -> dict[str, Callable[[], Runner]]:
    return {name: lambda n=name, s=value: Timed(n, s, clock) for name, value in seconds.items()}


def test_the_fastest_is_taken_and_said(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    runner = fastest(openers(clock, a=0.03, b=0.01, c=0.02), "net", 4)
    assert runner.backend == "b"
    assert runner.batches == [4] * 7
    assert "backend b, the fastest on batches of 4: a 30.00 ms, b 10.00 ms" in caplog.text


def test_an_outcome_is_kept_for_the_same_key(clock: list[float]) -> None:
    fastest(openers(clock, a=0.03, b=0.01), "net", 1)
    again = fastest(openers(clock, a=0.01, b=0.03), "net", 1)
    assert (again.backend, again.batches) == ("b", [])
    assert fastest(openers(clock, a=0.01, b=0.03), "other", 1).backend == "a"


def test_a_broken_outcome_is_measured_anew(clock: list[float], home: Path) -> None:
    fastest(openers(clock, a=0.03, b=0.01), "net", 1)
    (path,) = (home / "trials").iterdir()
    path.write_text("{")
    assert fastest(openers(clock, a=0.01, b=0.03), "net", 1).backend == "a"


def test_slow_networks_are_tried_once(clock: list[float]) -> None:
    runner = fastest(openers(clock, a=3.0, b=4.0), "net", 1)
    assert len(runner.batches) == 3


def failing() -> Runner:
    raise ValueError("no such file")


def test_what_fails_is_left_out(clock: list[float], caplog: pytest.LogCaptureFixture) -> None:
    assert fastest({"a": failing, **openers(clock, b=1.0)}, "net", 1).backend == "b"
    assert "backend a is left out: no such file" in caplog.text
    with pytest.raises(ValueError, match="no such file"):
        fastest({"a": failing, "b": failing}, "net", 1)


def test_one_alone_is_not_timed(clock: list[float], home: Path) -> None:
    assert fastest(openers(clock, a=1.0), "net", 1).batches == []
    assert not (home / "trials").exists()


def test_a_folder_that_cannot_be_written_costs_the_memory_alone(
    clock: list[float], home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (home / "trials").write_text("a file")
    assert fastest(openers(clock, a=0.03, b=0.01), "net", 1).backend == "b"
    assert "could not be kept" in caplog.text
