from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.utils.training.portable import portable, portable_values


@pytest.fixture(autouse=True)
def places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "cwd", lambda: Path("/disk/project"))
    monkeypatch.setattr(Path, "home", lambda: Path("/users/me"))
    monkeypatch.setattr("os.getcwd", lambda: "/disk/project")


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("train.py", "train.py"),
        ("/disk/project/train.py", "train.py"),
        ("/disk/project", "."),
        ("/disk/data/mnist", "../data/mnist"),
        ("/users/me/data", "~/data"),
        ("/data/mnist", "/data/mnist"),
        ("--data=/users/me/data", "--data=~/data"),
        ("a=/users/me/data", "a=/users/me/data"),
        ("", ""),
    ],
)
def test_paths_are_those_from_the_working_folder(word: str, shown: str) -> None:
    assert portable(word) == shown


def test_configurations_are_looked_through() -> None:
    config = {"out": Path("/disk/project/runs"), "lists": [("/users/me/a", 1)], "rate": 0.5}
    assert portable_values(config) == {"out": "runs", "lists": [["~/a", 1]], "rate": 0.5}
