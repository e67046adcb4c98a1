"""Runs in processes of their own are killed, and go on as if nothing had been."""

from __future__ import annotations

import logging
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.utils.training.snapshots import list_checkpoints, verify

SCRIPT = Path(__file__).with_name("resumable_run.py")
KILLED = -9
_log = logging.getLogger(__name__)


def start(folder: Path, *options: Any) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(SCRIPT), str(folder), *map(str, options)]
    return subprocess.Popen(command, env=environment)


def run(folder: Path, *options: Any) -> int:
    return start(folder, *options).wait(timeout=240)


def assert_same_end(first: Path, second: Path) -> None:
    ours, theirs = (dict(np.load(folder / "final.npz")) for folder in (first, second))
    assert len(ours) == len(theirs) == 14
    for key, value in ours.items():
        np.testing.assert_array_equal(value, theirs[key], err_msg=key)


def test_six_epochs_are_three_a_kill_and_three_more(tmp_path: Path) -> None:
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    assert run(straight) == 0
    assert run(killed, "--die-in-epoch", 3) == KILLED
    assert not (killed / "final.npz").exists()
    assert [path.name[-2:] for path in list_checkpoints(killed / "checkpoints")] == ["16", "24"]
    assert run(killed) == 0
    assert (killed / "started").read_text() == "24"
    assert_same_end(straight, killed)


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    """Waits until a process has written a file."""
    while not path.exists():
        assert process.poll() is None, f"ended before it wrote {path}"
        time.sleep(0.005)


@pytest.mark.slow
def test_a_run_survives_twenty_kills_at_random_points(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    options = ("--epochs", 30, "--every-steps", 3)
    process = start(straight, *options)
    wait_for(straight / "started", process)
    begin = time.monotonic()
    assert process.wait(240) == 0
    duration = time.monotonic() - begin
    steps = []
    for _ in range(20):
        (killed / "started").unlink(missing_ok=True)
        process = start(killed, *options)
        wait_for(killed / "started", process)
        steps.append(int((killed / "started").read_text() or 0))
        time.sleep(chance.uniform(0, 1.5 * duration / 20))
        process.kill()
        assert process.wait() == KILLED, f"seed {seed}"
        for path in list_checkpoints(killed / "checkpoints"):
            verify(path)
    assert run(killed, *options) == 0
    steps.append(int((killed / "started").read_text()))
    _log.info("seed %d: 20 kills; resumed at steps %s of 240", seed, steps)
    assert steps == sorted(steps)
    assert_same_end(straight, killed)
