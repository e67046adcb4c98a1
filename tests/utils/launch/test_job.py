from __future__ import annotations

import pytest

from toolkit.utils.launch.hosts import Host
from toolkit.utils.launch.job import Job, JobError


def test_a_job_is_a_scheduler_servers_and_workers() -> None:
    tasks = Job(("python", "train.py"), 3, 2, port=9000).tasks()
    assert list(map(str, tasks)) == [
        "scheduler", "server 0", "server 1", "worker 0", "worker 1", "worker 2",
    ]  # fmt: skip
    for task in tasks:
        assert task.environment["DMLC_PS_ROOT_URI"] == "127.0.0.1"
        assert task.environment["DMLC_PS_ROOT_PORT"] == "9000"
        assert task.environment["DMLC_NUM_WORKER"] == "3"
        assert task.environment["DMLC_NUM_SERVER"] == "2"
        assert task.environment["DMLC_INTERFACE"] == "lo"


def test_only_workers_get_mxnets_role() -> None:
    for task in Job(("python", "train.py"), 1).tasks():
        if task.role == "worker":
            assert task.command == ("python", "train.py")
            assert task.environment["DMLC_ROLE"] == "worker"
            assert task.environment["TOOLKIT_JOB_WORKER"] == "0"
        else:
            assert task.command[-1] == "toolkit.utils.launch.node"
            assert "DMLC_ROLE" not in task.environment
            assert task.environment["TOOLKIT_JOB_ROLE"] == task.role


def test_workers_of_one_machine_share_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.utils.launch.job.usable_cores", lambda: (8, ""))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    threads = [t.environment.get("OMP_NUM_THREADS") for t in Job(("x",), 3).tasks()]
    assert threads == [None, None, "2", "2", "2"]
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert not any("OMP_NUM_THREADS" in t.environment for t in Job(("x",), 3).tasks())


def test_other_machines_get_the_variables_that_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MXNET_X", "1")
    monkeypatch.setenv("SECRET", "2")
    job = Job(("x",), 2, hosts=[Host("node1"), Host()], root="10.0.0.1", port=9000)
    scheduler, server, worker0, worker1 = job.tasks()
    assert str(server) == "server 0 on node1"
    assert str(worker0) == "worker 0 on node1"
    assert worker0.environment["DMLC_NODE_HOST"] == "node1"
    assert worker0.environment["MXNET_X"] == "1"
    assert "SECRET" not in worker0.environment
    assert "DMLC_INTERFACE" not in worker0.environment
    assert worker1.host.local
    assert worker1.environment["DMLC_NODE_HOST"] == "10.0.0.1"
    assert scheduler.host.local


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "at least one of workers, got 0"),
        ({"workers": 1, "servers": 0}, "at least one of servers, got 0"),
        ({"workers": 1, "command": ()}, "no command"),
    ],
)
def test_a_job_that_cannot_be_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Job(**{"command": ("x",), **options})


def test_an_error_has_a_status() -> None:
    assert (JobError("x").status, JobError("x", 75).status) == (1, 75)
