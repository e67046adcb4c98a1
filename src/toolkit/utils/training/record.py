"""What a run was started with, kept beside it: enough to start it again."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toolkit import __version__
from toolkit.utils.disk import atomic_write
from toolkit.utils.training.portable import portable, portable_values
from toolkit.utils.training.run import Run

NAME = "run.json"
PACKAGES = ("mxnet", "numpy", "opencv-python-headless")
MOST_FILES = 50  # changed files that are listed by name


class RunRecord:
    """Writes ``run.json`` into the run's folder when the run starts.

    It holds the configuration and seed, and a list ``starts``: for the first start and each resume
    the step, time, command line, versions, and the commit of the script's repository with the files
    that were changed since. It names neither host nor user; paths become relative to the working
    folder or begin with ``~`` (`toolkit.utils.training.portable`).
    """

    def on_start(self, run: Run) -> None:
        """Writes the record; a resume adds its start to the list."""
        if run.rank:
            return
        if run.folder is None:
            raise ValueError("RunRecord needs a run with a folder: Setup(folder=...)")
        path = run.folder / NAME
        starts = _earlier(path) if run.step else []
        record = {
            "config": portable_values(run.config),
            "seed": run.seed,
            "workers": run.size,
            "total_steps": run.total_steps,
            "steps_per_epoch": run.steps_per_epoch,
            "starts": [*starts, {"step": run.step, **describe_start()}],
        }
        with atomic_write(path, "w") as file:
            json.dump(record, file, indent=2, ensure_ascii=False, default=str)
            file.write("\n")


def describe_start(command: Sequence[str] | None = None) -> dict[str, Any]:
    """Time, command line, versions and git state of this process.

    Args:
        command: the command line. Default: this process's.
    """
    command = _command() if command is None else command
    script = Path(sys.argv[0]).resolve().parent if sys.argv and sys.argv[0] else Path.cwd()
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "command": shlex.join(map(portable, command)),
        "versions": versions(),
        "git": git_state(script if script.is_dir() else Path.cwd()),
    }


def versions() -> dict[str, str]:
    """The versions of what a result depends on; packages that are absent are left out."""
    found = {"python": platform.python_version(), "toolkit": __version__}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def git_state(folder: Path) -> dict[str, Any] | None:
    """The commit that a folder is at, and what was changed since; None outside of git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    changed = (_git(folder, "status", "--porcelain") or "").splitlines()
    names = sorted(line[3:] for line in changed)
    return {"commit": commit, "changed": len(names), "files": names[:MOST_FILES]}


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    # Not strip(): the first line of a status may begin with a blank.
    return done.stdout.rstrip("\n") if done.returncode == 0 else None


def _command() -> list[str]:
    """The words that started this process, the interpreter by its name alone."""
    return [Path(sys.executable or "python").name, *sys.orig_argv[1:]]


def _earlier(path: Path) -> list[Any]:
    """The starts that a record lists already."""
    try:
        return list(json.loads(path.read_text(encoding="utf-8"))["starts"])
    except FileNotFoundError:
        return []
