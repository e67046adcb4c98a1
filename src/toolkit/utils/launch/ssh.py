"""Other machines, reached by the ``ssh`` program."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence

from toolkit.utils.launch.hosts import Host
from toolkit.utils.launch.job import JobError

START = 60.0  # seconds that a machine has to start Python, once it is reached
UNREACHED = 255  # what ssh exits with where it has no connection


def guarded(host: Host, python: str, connect: float) -> list[str]:
    """The command that runs the guard of a process on a machine; it never asks for a password."""
    options = ["-o", "BatchMode=yes", "-o", f"ConnectTimeout={max(1, round(connect))}"]
    # Finds out by itself when the other machine is gone: within 45 s.
    options += ["-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3"]
    port = ["-p", str(host.port)] if host.port else []
    program = shlex.join([python, "-m", "toolkit.utils.launch.guard"])
    return ["ssh", *options, *port, host.name, program]


def check(hosts: Sequence[Host], python: str, connect: float) -> None:
    """Tries all other machines at once: the connection, Python and this package.

    Raises:
        JobError: some cannot be used; which ones, why, and after how many seconds that was clear.
        FileNotFoundError: there is no ssh program.
    """
    remote = list({(host.name, host.port): host for host in hosts if not host.local}.values())
    if not remote:
        return
    if shutil.which("ssh") is None:
        raise FileNotFoundError(
            f"{remote[0].name} is reached by ssh, and there is no ssh program on PATH"
        )
    began = time.monotonic()
    trials = []
    for host in remote:
        said = tempfile.TemporaryFile()  # noqa: SIM115
        command = guarded(host, python, connect)
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
        trials.append((host, child, said))
    failures = []
    for host, child, said in trials:
        left = connect + START - (time.monotonic() - began)
        try:
            status: int | None = child.wait(max(0.0, left))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            status = None
        seconds = time.monotonic() - began
        said.seek(0)
        last = said.read().decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        said.close()
        if status:
            what = "could not be reached" if status == UNREACHED else f"cannot run {python}"
            failures.append(f"{host.name} {what} (after {seconds:.1f} s): {last[0]}")
        elif status is None:
            failures.append(f"{host.name} gave no answer within {seconds:.1f} s")
    if failures:
        raise JobError("; ".join(failures))
