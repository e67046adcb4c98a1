"""`toolkit launch`: what it makes of its words, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from toolkit.utils.launch import supervisor
from toolkit.utils.launch.hosts import Host
from toolkit.utils.launch.job import Job, JobError

Run = Callable[..., Result]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The jobs and patience that were asked for; none is run."""
    jobs: list[Any] = []
    monkeypatch.setattr(supervisor, "run", lambda job, patience: jobs.append((job, patience)))
    return jobs


def test_the_command_keeps_its_own_options(run: Run, started: list[Any]) -> None:
    result = run("launch", "-n", "3", "-s", "2", "python", "train.py", "-n", "5", "--help")
    assert result.exit_code == 0, result.output
    job, patience = started[0]
    assert job == Job(("python", "train.py", "-n", "5", "--help"), 3, 2)
    assert patience == supervisor.Patience(60.0, 10.0)


def test_a_hostfile_places_the_processes(run: Run, started: list[Any], tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("node1 slots=2\nlocalhost\n")
    words = ("--hostfile", str(tmp_path / "hosts"), "--root", "10.0.0.1", "--connect", "3")
    assert run("launch", "-n", "3", *words, "train").exit_code == 0
    job, patience = started[0]
    assert job.hosts == (Host("node1", slots=2), Host())
    assert job.root == "10.0.0.1"
    assert patience.connect == 3.0


def test_a_failed_job_is_told_with_its_status(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(job: Job, patience: Any) -> None:
        raise JobError("worker 1 was ended by signal SIGKILL", 137)

    monkeypatch.setattr(supervisor, "run", fail)
    result = run("launch", "-n", "2", "train")
    assert result.exit_code == 137
    assert result.stderr == "error: worker 1 was ended by signal SIGKILL\n"


@pytest.mark.parametrize("words", [("-n", "0", "x"), ("-n", "1"), ("x",)])
def test_wrong_usage(run: Run, started: list[Any], words: tuple[str, ...]) -> None:
    assert run("launch", *words).exit_code == 2
    assert started == []


def test_a_missing_hostfile_is_named(run: Run, started: list[Any]) -> None:
    result = run("launch", "-n", "1", "--hostfile", "nosuch", "x")
    assert result.exit_code == 1
    assert "nosuch" in result.stderr
