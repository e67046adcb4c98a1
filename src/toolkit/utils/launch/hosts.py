"""The machines of a job."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

LOOPBACK = "127.0.0.1"
LOCAL_NAMES = ("localhost", LOOPBACK, "::1")
_LINE = re.compile(r"(?P<name>[^\s:]+)(?::(?P<port>\d+))?(?:\s+slots=(?P<slots>\d+))?")


@dataclass(frozen=True)
class Host:
    """A machine that processes run on."""

    name: str = "localhost"
    port: int | None = None  # of its ssh server; None is what ssh takes by itself
    slots: int = 1  # how many processes it gets before the next machine has its turn

    @property
    def local(self) -> bool:
        """Whether it is this machine, which is reached without ssh."""
        return self.name in LOCAL_NAMES or self.name == socket.gethostname()


def read_hosts(path: Path) -> list[Host]:
    """Reads a file with a machine a line: ``name[:port] [slots=N]``; ``#`` begins a comment.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line is malformed, or there are none.
    """
    hosts = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        match = _LINE.fullmatch(text)
        slots = int(match["slots"] or 1) if match else 0
        if match is None or slots < 1:
            raise ValueError(f"{path}, line {number}: {text!r} is not name[:port] [slots=N]")
        hosts.append(Host(match["name"], int(match["port"]) if match["port"] else None, slots))
    if not hosts:
        raise ValueError(f"{path} names no host")
    return hosts


def place(count: int, hosts: Sequence[Host]) -> list[Host]:
    """The machine of each of ``count`` processes: all slots in turn, over and over."""
    slots = [host for host in hosts for _ in range(host.slots)]
    return list(islice(cycle(slots), count))


def own_address(hosts: Sequence[Host]) -> str:
    """The address under which the other machines of a job reach this one.

    Raises:
        OSError: a host's name cannot be resolved.
    """
    remote = next((host for host in hosts if not host.local), None)
    if remote is None:
        return LOOPBACK
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((remote.name, 9))  # sends nothing; the system picks the interface
            return str(probe.getsockname()[0])
    except OSError as error:
        raise OSError(
            f"no way to {remote.name} is known: {error.strerror or error}; "
            "--root names the address of this machine for the others"
        ) from error


def free_port() -> int:
    """A port of this machine that nothing listens on at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])
