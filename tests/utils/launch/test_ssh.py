from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from toolkit.utils.launch import ssh
from toolkit.utils.launch.hosts import Host
from toolkit.utils.launch.job import JobError


def test_the_command_asks_for_no_password_and_waits_no_longer_than_told() -> None:
    words = ssh.guarded(Host("node1", 2222), "/usr/bin/python3", 7.0)
    assert words[0] == "ssh"
    assert "BatchMode=yes" in words
    assert "ConnectTimeout=7" in words
    assert words[-4:-1] == ["-p", "2222", "node1"]
    assert words[-1] == "/usr/bin/python3 -m toolkit.utils.launch.guard"


def test_machines_that_answer_pass(fake_ssh: Path) -> None:
    ssh.check([Host(), Host("node1"), Host("node1"), Host("node2")], sys.executable, 5)
    assert len(fake_ssh.read_text().splitlines()) == 2, "each machine is tried once"


def test_an_unreachable_machine_is_named_with_the_time_it_took(fake_ssh: Path) -> None:
    with pytest.raises(
        JobError, match=r"gone1 could not be reached \(after \d\.\d s\): ssh: .* No route to host"
    ):
        ssh.check([Host("node1"), Host("gone1")], sys.executable, 5)


def test_a_machine_without_python_is_named(fake_ssh: Path) -> None:
    with pytest.raises(JobError, match=r"bare1 cannot run py \(after .*\): sh: python: not found"):
        ssh.check([Host("bare1")], "py", 5)


def test_a_machine_that_says_nothing_is_given_up(
    fake_ssh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "START", 0.2)
    began = time.monotonic()
    with pytest.raises(JobError, match=r"slow1 gave no answer within \d\.\d s"):
        ssh.check([Host("slow1")], sys.executable, 0.1)
    assert time.monotonic() - began < 10


def test_ssh_itself_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="no ssh program on PATH"):
        ssh.check([Host("node1")], sys.executable, 5)
