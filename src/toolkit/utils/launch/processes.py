"""The processes of a job, here and on other machines, under one interface."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from abc import ABC, abstractmethod

from toolkit.utils.launch.guard import signal_group
from toolkit.utils.launch.job import Task
from toolkit.utils.launch.ssh import guarded

PR_SET_PDEATHSIG = 1  # Linux: the signal that a process gets when its parent dies


class Process(ABC):
    """One started task."""

    def __init__(self, task: Task, child: subprocess.Popen[bytes]) -> None:
        self.task, self._child = task, child

    def poll(self) -> int | None:
        """The exit status, minus the number of the signal that ended it; None while it runs."""
        return self._child.poll()

    @abstractmethod
    def send(self, number: int) -> None:
        """Sends a signal to the process and to all that it started."""

    @abstractmethod
    def kill(self) -> None:
        """Ends the process and all that it started at once, and forgets it."""


class LocalProcess(Process):
    """A process of this machine, which dies with this one."""

    def __init__(self, task: Task) -> None:
        child = subprocess.Popen(
            task.command,
            env={**os.environ, **task.environment},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        super().__init__(task, child)

    def send(self, number: int) -> None:
        """Sends a signal to the process and to all that it started."""
        signal_group(self._child, number)

    def kill(self) -> None:
        """Ends the process and all that it started at once, and forgets it."""
        self.send(signal.SIGKILL)  # also where it ended: what it started may be left
        self._child.wait()


class RemoteProcess(Process):
    """A process of another machine, which ends when the connection does."""

    def __init__(self, task: Task, python: str, connect: float) -> None:
        command = guarded(task.host, python, connect)
        # A session of its own: Ctrl-C at the terminal must not cut the connection first.
        child = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        super().__init__(task, child)
        order = {
            "command": task.command,
            "folder": os.getcwd(),
            "environment": dict(task.environment),
        }
        self._say(json.dumps(order))

    def poll(self) -> int | None:
        """The exit status; as ssh has it, 128 and the number of a signal count as that signal."""
        status = super().poll()
        return 128 - status if status is not None and 128 < status < 128 + 65 else status

    def send(self, number: int) -> None:
        """Sends a signal to the process and to all that it started."""
        self._say(str(int(number)))

    def kill(self) -> None:
        """Closes the connection, upon which the other side ends everything."""
        if self._child.stdin and not self._child.stdin.closed:
            try:
                self._child.stdin.close()
            except OSError:  # the connection is gone already
                self._child.stdin = None
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def _say(self, line: str) -> None:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(line.encode() + b"\n")
            self._child.stdin.flush()
        except OSError:  # the connection is gone: poll() will tell
            return


def start(task: Task, python: str, connect: float) -> Process:
    """Starts a task where it belongs.

    Raises:
        OSError: the command cannot be run.
    """
    return LocalProcess(task) if task.host.local else RemoteProcess(task, python, connect)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
