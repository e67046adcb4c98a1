from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import toolkit
from toolkit.utils.training import RunRecord
from toolkit.utils.training.record import describe_start, git_state, versions
from toolkit.utils.training.run import Run


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "train.py").write_text("1")
    git(tmp_path, "add", "train.py")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def record(folder: Path) -> dict[str, object]:
    return json.loads((folder / "run.json").read_text())


def test_the_record_holds_what_starts_the_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["/usr/bin/python3", "train.py", "--epochs", "3"])
    RunRecord().on_start(Run(None, 5, 50, seed=4, folder=tmp_path, config={"lr": 0.1}))
    found = record(tmp_path)
    assert (found["config"], found["seed"], found["total_steps"]) == ({"lr": 0.1}, 4, 50)
    (start,) = found["starts"]
    assert start["step"] == 0
    assert start["versions"]["toolkit"] == toolkit.__version__
    assert start["command"].endswith(" train.py --epochs 3")


def test_a_resume_adds_its_start(tmp_path: Path) -> None:
    RunRecord().on_start(Run(None, 5, 50, folder=tmp_path))
    RunRecord().on_start(Run(None, 5, 50, folder=tmp_path, step=20))
    assert [start["step"] for start in record(tmp_path)["starts"]] == [0, 20]
    RunRecord().on_start(Run(None, 5, 50, folder=tmp_path))
    assert [start["step"] for start in record(tmp_path)["starts"]] == [0]


def test_the_git_state_names_commit_and_changes(repository: Path) -> None:
    clean = git_state(repository)
    assert clean is not None
    assert (len(clean["commit"]), clean["changed"], clean["files"]) == (40, 0, [])
    (repository / "train.py").write_text("2")
    (repository / "new.py").write_text("3")
    assert git_state(repository)["files"] == ["new.py", "train.py"]


def test_outside_of_git_there_is_no_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state(tmp_path) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state(tmp_path) is None, "nor without git"


def test_nothing_names_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, work = tmp_path / "home" / "me", tmp_path / "home" / "me" / "project"
    work.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(work)
    words = ["python", str(work / "train.py"), f"--data={home / 'data'}", "--out", str(work / "o")]
    start = describe_start(words)
    assert start["command"] == "python train.py '--data=~/data' --out o"
    assert socket.gethostname() not in json.dumps(start)


def test_versions_leave_out_what_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.utils.training.record.PACKAGES", ("numpy", "no-such-package"))
    assert set(versions()) == {"python", "toolkit", "numpy"}


def test_a_folder_is_needed() -> None:
    with pytest.raises(ValueError, match=r"Setup\(folder="):
        RunRecord().on_start(Run(None, 1, 1))


def test_other_ranks_write_nothing(tmp_path: Path) -> None:
    RunRecord().on_start(Run(None, 1, 1, rank=1, size=2, folder=tmp_path))
    assert list(tmp_path.iterdir()) == []
