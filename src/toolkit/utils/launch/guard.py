"""Runs one process on another machine: ``ssh host python -m toolkit.utils.launch.guard``.

Standard input brings a line of JSON with ``command``, ``folder`` and ``environment``, then a signal
number a line to hand on. Its end, which also comes when the connection or the launcher is gone,
ends the process and all that it started: nothing is left running behind.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from typing import IO

PATIENCE = 5.0  # seconds between the request to end and the end


def main() -> int:
    """Runs what standard input asks for; nothing where that is empty.

    Returns:
        The exit status, 128 and the signal's number where one ended the process.
    """
    # Unbuffered and by descriptor: a reader in a thread must not hold a lock at the exit.
    source = open(0, "rb", buffering=0, closefd=False)  # noqa: SIM115
    line = source.readline()
    if not line.strip():
        return 0
    order = json.loads(line)
    child = subprocess.Popen(
        order["command"],
        cwd=order["folder"],
        env={**os.environ, **order["environment"]},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    threading.Thread(target=_obey, args=(source, child), daemon=True).start()
    status = child.wait()
    return status if status >= 0 else 128 - status


def _obey(source: IO[bytes], child: subprocess.Popen[bytes]) -> None:
    """Hands signals on until there is nobody left to send them."""
    for line in source:
        if line.strip().isdigit():
            signal_group(child, int(line))
    signal_group(child, signal.SIGTERM)
    try:
        child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        signal_group(child, signal.SIGKILL)


def signal_group(child: subprocess.Popen[bytes], number: int) -> None:
    """Sends a signal to a process that leads a session, and to all that it started."""
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    sys.exit(main())
