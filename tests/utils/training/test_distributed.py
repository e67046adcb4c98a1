"""Workers of a job: their sums, and real jobs on this machine."""

from __future__ import annotations

import atexit
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.utils.checkpoints import read_arrays
from toolkit.utils.training import Alone, join
from toolkit.utils.training.distributed import JobWorkers
from toolkit.utils.training.json_log import read_log

SCRIPT = Path(__file__).parents[1] / "launch" / "train_job.py"
EPOCHS = 3


def start(folder: Path, kvstore: str, *accident: str, epochs: int = EPOCHS) -> Any:
    """Starts a job of three workers and two servers."""
    toolkit = [sys.executable, "-c", "from toolkit.cli import main; main()"]
    words = [str(SCRIPT), str(folder), kvstore, str(epochs), *accident]
    return subprocess.Popen(
        [*toolkit, "launch", "-n", "3", "-s", "2", sys.executable, *words],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )


def launch(folder: Path, kvstore: str, *accident: str, epochs: int = EPOCHS) -> tuple[int, str]:
    """Runs a job; returns its status and what it said."""
    with start(folder, kvstore, *accident, epochs=epochs) as job:
        said = job.communicate(timeout=240)[1]
    return job.returncode, said


def alone(folder: Path) -> dict[str, np.ndarray]:
    """What one process learns from the whole batches: this one."""
    runpy.run_path(str(SCRIPT))["main"](str(folder), "dist_sync", str(EPOCHS))
    return read_arrays(folder / "worker0.params")


def assert_close(folder: Path, expected: dict[str, np.ndarray]) -> None:
    """All workers of a job have the expected parameters."""
    for rank in range(3):
        found = read_arrays(folder / f"worker{rank}.params")
        assert set(found) == set(expected)
        for key, value in expected.items():
            np.testing.assert_allclose(found[key], value, rtol=0, atol=1e-5, err_msg=key)


def test_outside_of_a_job_there_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DMLC_ROLE", raising=False)
    assert join() == Alone()


def test_an_unknown_kvstore_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kvstore 'dist_sink'; did you mean dist_sync"):
        join("dist_sink")


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> JobWorkers:
    """A job of one process, on a store that needs no servers."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(atexit, "register", lambda function: function)
    return JobWorkers("local")


def test_sums_are_as_exact_as_floats_are(workers: JobWorkers) -> None:
    values = {"loss": 0.1, "count": float(2**40 + 1)}
    for _ in range(2):
        assert workers.reduce(values) == values
    assert workers.reduce({"other": 1, "told": True, "due": False}) == {
        "other": 1.0, "told": 1.0, "due": 0.0,
    }  # fmt: skip
    assert workers.reduce({}) == {}


def test_the_rank_is_the_launchers_number(
    workers: JobWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (workers.rank, workers.size) == (0, 1)
    monkeypatch.setenv("TOOLKIT_JOB_WORKER", "2")
    assert JobWorkers("local").rank == 2


def test_three_workers_learn_what_one_does(tmp_path: Path) -> None:
    status, said = launch(tmp_path / "three", "dist_sync")
    assert status == 0, said
    expected = alone(tmp_path / "one")
    assert_close(tmp_path / "three", expected)
    ours, theirs = (read_log(tmp_path / name / "log.jsonl") for name in ("three", "one"))
    assert ours[0]["workers"] == 3
    losses = [[row["loss"] for row in rows if "loss" in row] for rows in (ours, theirs)]
    assert len(losses[0]) == 6
    np.testing.assert_allclose(*losses, rtol=1e-5)
    assert ours[-1]["samples"] == theirs[-1]["samples"], "the samples of all workers are counted"


@pytest.mark.slow
def test_a_killed_worker_ends_the_job_which_can_be_resumed(
    tmp_path: Path, left: Callable[..., list[int]]
) -> None:
    began = time.monotonic()
    status, said = launch(tmp_path / "three", "dist_sync", "1", "7", "kill")
    assert time.monotonic() - began < 60
    assert status == 137
    assert "error: worker 1 was ended by signal SIGKILL" in said
    assert left(within=5) == []
    status, said = launch(tmp_path / "three", "dist_sync")
    assert status == 0, said
    events = [(row["event"], row["step"]) for row in read_log(tmp_path / "three" / "log.jsonl")]
    assert ("resume", 6) in events
    assert_close(tmp_path / "three", alone(tmp_path / "one"))


@pytest.mark.slow
def test_an_error_in_one_worker_ends_the_job_with_its_traceback(
    tmp_path: Path, left: Callable[..., list[int]]
) -> None:
    began = time.monotonic()
    status, said = launch(tmp_path, "dist_sync", "2", "3", "raise")
    assert time.monotonic() - began < 60
    assert status == 1
    assert "RuntimeError: an accident" in said
    assert "error: worker 2 failed with status 1" in said
    assert left(within=5) == []


@pytest.mark.slow
def test_a_job_that_is_told_to_end_saves_at_one_step_of_all(
    tmp_path: Path, left: Callable[..., list[int]]
) -> None:
    log = tmp_path / "three" / "log.jsonl"
    with start(tmp_path / "three", "dist_sync", epochs=10_000) as job:
        deadline = time.monotonic() + 200
        while time.monotonic() < deadline and not (log.is_file() and len(read_log(log)) > 20):
            time.sleep(0.05)
        job.send_signal(signal.SIGTERM)
        said = job.communicate(timeout=100)[1]
    assert job.returncode == 75, said
    assert "the job was told to end, and can be resumed" in said
    assert left(within=5) == []
    saved, end = read_log(log)[-2:]
    assert (saved["event"], end["event"]) == ("checkpoint", "end")
    assert saved["step"] == end["step"]
    assert "ended by SIGTERM" in end["failure"]


@pytest.mark.slow
def test_servers_update_by_themselves(tmp_path: Path) -> None:
    status, said = launch(tmp_path, "dist_async", epochs=6)
    assert status == 0, said
    rows = read_log(tmp_path / "log.jsonl")
    losses = [row["epoch_loss"] for row in rows if "epoch_loss" in row]
    assert len(losses) == 6
    assert losses[-1] < 0.5 * losses[0], losses
    assert all(
        np.isfinite(array).all() for array in read_arrays(tmp_path / "worker0.params").values()
    )
