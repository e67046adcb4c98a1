from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

GUARD = [sys.executable, "-m", "toolkit.utils.launch.guard"]


def order(command: str, folder: Path, **environment: str) -> bytes:
    words = {"command": ["sh", "-c", command], "folder": str(folder), "environment": environment}
    return json.dumps(words).encode() + b"\n"


@pytest.fixture
def guard() -> subprocess.Popen[bytes]:
    with subprocess.Popen(GUARD, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process
        process.kill()


def say(guard: subprocess.Popen[bytes], text: bytes) -> None:
    guard.stdin.write(text)
    guard.stdin.flush()


def test_a_process_runs_in_its_folder_with_its_variables(
    guard: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    say(guard, order('echo "$PWD $COLOUR"; exit 7', tmp_path, COLOUR="blue"))
    assert guard.stdout.read().decode().strip() == f"{os.path.realpath(tmp_path)} blue"
    assert guard.wait(20) == 7


def test_signals_are_handed_on(guard: subprocess.Popen[bytes], tmp_path: Path) -> None:
    say(guard, order('trap "exit 75" TERM; echo ready; while :; do sleep 0.05; done', tmp_path))
    assert guard.stdout.readline() == b"ready\n"
    say(guard, b"15\n")
    assert guard.wait(20) == 75


def test_the_end_of_the_connection_ends_everything(
    guard: subprocess.Popen[bytes], tmp_path: Path, left: Callable[..., list[int]]
) -> None:
    say(guard, order("sleep 300 & echo ready; sleep 300", tmp_path, TOOLKIT_TEST_MARK=mark()))
    assert guard.stdout.readline() == b"ready\n"
    assert len(left()) >= 2
    guard.stdin.close()
    assert guard.wait(20) == 128 + 15
    deadline = time.monotonic() + 10
    while left() and time.monotonic() < deadline:
        os.sched_yield()
    assert left(within=5) == []


def mark() -> str:
    return os.environ["TOOLKIT_TEST_MARK"]


def test_nothing_is_run_where_nothing_is_asked_for(guard: subprocess.Popen[bytes]) -> None:
    guard.stdin.close()
    assert guard.wait(20) == 0
