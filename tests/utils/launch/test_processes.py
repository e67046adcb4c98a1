from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.utils.launch.hosts import Host
from toolkit.utils.launch.job import Task
from toolkit.utils.launch.processes import Process, start

HOSTS = [Host(), Host("node1")]  # the second one through the fake ssh


def launch(command: str, host: Host, **environment: str) -> Process:
    task = Task("worker", 0, host, ("sh", "-c", command), environment)
    return start(task, sys.executable, 5.0)


def ended(process: Process) -> int:
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    status = process.poll()
    assert status is not None, "it still runs"
    return status


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_status_and_variables(fake_ssh: Path, host: Host) -> None:
    process = launch('exit "$CODE"', host, CODE="7")
    assert ended(process) == 7
    process.kill()


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_a_signal_ends_it(fake_ssh: Path, host: Host, tmp_path: Path) -> None:
    process = launch(f"echo > {tmp_path}/up; exec sleep 300", host)
    deadline = time.monotonic() + 20
    while not (tmp_path / "up").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send(signal.SIGTERM)
    assert ended(process) == -signal.SIGTERM
    process.kill()


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_what_it_started_is_ended_with_it(
    fake_ssh: Path, host: Host, tmp_path: Path, left: Callable[..., list[int]]
) -> None:
    process = launch(f"trap '' TERM; sleep 300 & echo > {tmp_path}/up; exit 0", host)
    assert ended(process) == 0
    process.kill()
    if host.local:
        assert left(within=5) == []


def test_a_command_that_is_not_there(fake_ssh: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        start(Task("worker", 0, Host(), ("no-such-program",), {}), sys.executable, 5.0)
