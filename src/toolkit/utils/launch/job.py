"""What a job is made of: its processes, where they run, with which environment."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from toolkit.utils.cpu import usable_cores
from toolkit.utils.launch.hosts import LOOPBACK, Host, place

NODE = ("-m", "toolkit.utils.launch.node")  # what servers and the scheduler run
ROLE = "TOOLKIT_JOB_ROLE"  # theirs; DMLC_ROLE itself would make `import mxnet` never return
NUMBER = "TOOLKIT_JOB_WORKER"  # a worker's number, which is its rank
HANDED_ON = ("MXNET_", "TOOLKIT_", "OMP_", "PS_", "DMLC_")  # of the environment, to other machines


class JobError(RuntimeError):
    """A job failed: which process, where, how."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status  # what the launcher exits with


@dataclass(frozen=True)
class Task:
    """One process of a job."""

    role: str  # "scheduler", "server" or "worker"
    number: int  # among those of its role
    host: Host
    command: tuple[str, ...]
    environment: Mapping[str, str]  # what is added to that of its machine

    def __str__(self) -> str:
        name = self.role if self.role == "scheduler" else f"{self.role} {self.number}"
        return name if self.host.local else f"{name} on {self.host.name}"


@dataclass(frozen=True)
class Job:
    """Workers that run a command, and the servers that add up what they compute.

    Raises:
        ValueError: fewer than one worker or server, or no command.
    """

    command: Sequence[str]
    workers: int
    servers: int = 1
    hosts: Sequence[Host] = (Host(),)  # the scheduler runs on this machine in any case
    root: str = LOOPBACK  # this machine's address for the others,
    port: int = 0  # and the port that the scheduler listens on
    python: str = field(default=sys.executable)  # of servers, on every machine

    def __post_init__(self) -> None:
        for name in ("workers", "servers"):
            if getattr(self, name) < 1:
                raise ValueError(f"a job needs at least one of {name}, got {getattr(self, name)}")
        if not self.command:
            raise ValueError("there is no command for the workers to run")

    def tasks(self) -> list[Task]:
        """All processes, in the order in which they are started."""
        node = (self.python, *NODE)
        homes = place(self.workers, self.hosts)
        threads = Counter(host.name for host in homes)
        tasks = [self._task("scheduler", 0, Host(), node)]
        for number, host in enumerate(place(self.servers, self.hosts)):
            tasks.append(self._task("server", number, host, node))
        for number, host in enumerate(homes):
            tasks.append(self._task("worker", number, host, self.command, threads[host.name]))
        return tasks

    def _task(
        self, role: str, number: int, host: Host, command: Sequence[str], sharing: int = 0
    ) -> Task:
        environment = {
            "DMLC_PS_ROOT_URI": self.root,
            "DMLC_PS_ROOT_PORT": str(self.port),
            "DMLC_NUM_WORKER": str(self.workers),
            "DMLC_NUM_SERVER": str(self.servers),
            "DMLC_NODE_HOST": self.root if host.local else host.name,
        }
        if self.root == LOOPBACK:
            environment["DMLC_INTERFACE"] = "lo"
        if not host.local:
            here = {k: v for k, v in os.environ.items() if k.startswith(HANDED_ON)}
            environment = {**here, **environment}
        if role == "worker":
            environment |= {"DMLC_ROLE": role, NUMBER: str(number)}
            if host.local and sharing > 1:
                environment |= _threads(sharing)
        else:
            environment[ROLE] = role
        return Task(role, number, host, tuple(command), environment)


def _threads(sharing: int) -> dict[str, str]:
    """The share of this machine's cores for one of several workers, unless the user chose."""
    if "OMP_NUM_THREADS" in os.environ:
        return {}
    return {"OMP_NUM_THREADS": str(max(1, usable_cores()[0] // sharing))}
