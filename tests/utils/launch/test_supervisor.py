from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.utils.launch import supervisor
from toolkit.utils.launch.hosts import Host
from toolkit.utils.launch.job import Job, JobError
from toolkit.utils.launch.supervisor import run

MakeJob = Callable[..., Job]
Left = Callable[..., list[int]]


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LINGER", 0.3)


def test_a_job_ends_when_its_workers_do(make_job: MakeJob, left: Left, tmp_path: Path) -> None:
    run(make_job(f"echo $DMLC_PS_ROOT_PORT > {tmp_path}/$TOOLKIT_JOB_WORKER", workers=3))
    ports = {(tmp_path / str(number)).read_text() for number in range(3)}
    assert len(ports) == 1
    assert int(ports.pop()) > 0
    assert left(within=5) == []


@pytest.mark.parametrize(
    ("end", "message", "status"),
    [
        ("exit 3", "worker 1 failed with status 3", 3),
        ("kill -9 $$", "worker 1 was ended by signal SIGKILL", 137),
        ("kill -11 $$", "worker 1 was ended by signal SIGSEGV", 139),
    ],
)
def test_a_failed_worker_ends_the_job(
    make_job: MakeJob, left: Left, end: str, message: str, status: int
) -> None:
    began = time.monotonic()
    with pytest.raises(JobError, match=message) as caught:
        run(make_job(f"if [ $TOOLKIT_JOB_WORKER = 1 ]; then {end}; fi; exec sleep 300"))
    assert caught.value.status == status
    assert time.monotonic() - began < 100  # far below the others' 300, on a loaded machine, too
    assert left(within=5) == []


def test_workers_that_ignore_the_end_are_killed(make_job: MakeJob, left: Left) -> None:
    command = "[ $TOOLKIT_JOB_WORKER = 1 ] && exit 1; trap '' TERM; while :; do sleep 0.1; done"
    with pytest.raises(JobError):
        run(make_job(command))
    assert left(within=5) == []


def test_a_server_that_ends_too_early_ends_the_job(make_job: MakeJob, left: Left) -> None:
    with pytest.raises(JobError, match="scheduler failed with status 1"):
        run(make_job("exec sleep 300", python="/bin/false"))
    with pytest.raises(JobError, match=r"scheduler, server 0 ended while worker 0, worker 1 went"):
        run(make_job("exec sleep 300", python="/bin/true"))
    assert left(within=5) == []


LAUNCHER = """
import sys
from toolkit.utils.launch.job import Job, JobError
from toolkit.utils.launch.supervisor import Patience, run
command, workers, python, grace = {given!r}
try:
    run(Job(command, workers, python=python), Patience(grace=grace))
except JobError as error:
    print(error)
    sys.exit(error.status)
"""


def told(
    job: Job, *signals: tuple[int, Callable[[], bool]], grace: float = 60.0
) -> tuple[int, str]:
    """Status and words of a launcher that gets each signal as soon as something is so."""
    code = LAUNCHER.format(given=(job.command, job.workers, job.python, grace))
    launcher = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    for number, when in signals:
        deadline = time.monotonic() + 60
        while not when() and time.monotonic() < deadline:
            time.sleep(0.01)
        launcher.send_signal(number)
    words, _ = launcher.communicate(timeout=120)
    return launcher.returncode, words


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_workers_may_save_when_the_job_is_told_to_end(
    make_job: MakeJob, left: Left, tmp_path: Path, number: int
) -> None:
    up, saved = f"{tmp_path}/up$TOOLKIT_JOB_WORKER", f"{tmp_path}/saved$TOOLKIT_JOB_WORKER"
    command = f"trap 'echo > {saved}; exit 75' TERM; echo > {up}; while :; do sleep 0.02; done"
    status, words = told(make_job(command), (number, lambda: len(list(tmp_path.glob("up*"))) == 2))
    assert status == 75
    assert "can be resumed" in words
    assert len(list(tmp_path.glob("saved*"))) == 2
    assert left(within=5) == []


def test_the_time_for_it_is_limited(make_job: MakeJob, left: Left, tmp_path: Path) -> None:
    command = f"trap '' TERM; echo > {tmp_path}/up; while :; do sleep 0.1; done"
    up = (signal.SIGTERM, (tmp_path / "up").exists)
    status, words = told(make_job(command, workers=1), up, grace=0.2)
    assert status == 143
    assert "worker 0 did not end within 0.2 s of SIGTERM" in words
    assert left(within=5) == []


def test_a_second_signal_ends_them_at_once(make_job: MakeJob, left: Left, tmp_path: Path) -> None:
    command = (
        f"trap 'echo > {tmp_path}/told' TERM; echo > {tmp_path}/up; while :; do sleep 0.02; done"
    )
    signals = [(signal.SIGINT, (tmp_path / name).exists) for name in ("up", "told")]
    began = time.monotonic()
    status, words = told(make_job(command, workers=1), *signals)
    assert status == 130
    assert "worker 0 did not end before the second" in words
    assert time.monotonic() - began < 50
    assert left(within=5) == []


def test_a_job_dies_with_its_launcher(make_job: MakeJob, left: Left, tmp_path: Path) -> None:
    job = make_job(f"echo > {tmp_path}/up; exec sleep 300", workers=1)
    code = (
        "from toolkit.utils.launch import *\n"
        f"run(Job({tuple(job.command)!r}, 1, python={job.python!r}))"
    )
    deadline = time.monotonic() + 30
    with subprocess.Popen([sys.executable, "-c", code]) as launcher:
        # Guards and what they guard start side by side: the worker need not be the last.
        while not ((tmp_path / "up").exists() and len(left()) >= 4):
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)
        started = left()
        launcher.kill()
    assert len(started) >= 4
    assert left(within=30) == []


def test_other_machines_take_part(make_job: MakeJob, fake_ssh: Path, tmp_path: Path) -> None:
    job = make_job(
        f"echo $DMLC_NODE_HOST > {tmp_path}/$TOOLKIT_JOB_WORKER",
        hosts=[Host("node1"), Host()],
        root="127.0.0.2",
        python=sys.executable,
    )
    # The scheduler and the server would wait for MXNet's workers: they are ended.
    run(job)
    assert (tmp_path / "0").read_text() == "node1\n"
    assert (tmp_path / "1").read_text() == "127.0.0.2\n"


def test_an_unreachable_machine_is_told_before_anything_starts(
    make_job: MakeJob, fake_ssh: Path, tmp_path: Path
) -> None:
    with pytest.raises(JobError, match=r"gone1 could not be reached \(after "):
        run(make_job(f"echo > {tmp_path}/up", hosts=[Host("gone1"), Host()]))
    assert not (tmp_path / "up").exists()
