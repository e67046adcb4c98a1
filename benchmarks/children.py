"""Processes that wait for work, so that candidates of any interpreter can be timed in turns.

A child writes one line of ``@`` and JSON when it is ready and after each command that it reads.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

WARM = 250  # milliseconds that do not count: the threads of the one before spin until they sleep
READ = ("OMP_", "MXNET_", "OPENBLAS_", "DNNL_", "MALLOC_", "TOOLKIT_RUNTIME")  # no one's values


def answer(**values: Any) -> None:
    """What a child says."""
    print("@" + json.dumps(values), flush=True)


def serve(call: Callable[[], object], **about: Any) -> None:
    """A child's life: says what it is after two calls, then answers ``run TIMES``."""
    for _ in range(2):
        call()
    answer(**about)
    for line in sys.stdin:
        times = int(line.split()[1])
        start = time.perf_counter()
        for _ in range(times):
            call()
        answer(wall=1e3 * (time.perf_counter() - start) / times)


def clean(**more: str) -> dict[str, str]:
    """The environment without what others set for MXNet's sake."""
    return {**{k: v for k, v in os.environ.items() if not k.startswith(READ)}, **more}


class Child:
    """One process; ``hello`` is what it said when it was ready."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        pipe = subprocess.PIPE
        self.name, self.errors = name, tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            command,
            stdin=pipe,
            stdout=pipe,
            stderr=self.errors,
            text=True,
            env=clean() if environment is None else environment,
        )
        self.hello = self.hear()

    def ask(self, *words: str) -> dict[str, Any]:
        assert self.process.stdin
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        return self.hear()

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout
        for line in self.process.stdout:
            if line.startswith("@"):
                return json.loads(line[1:])
        status = self.process.wait()
        self.errors.seek(0)
        said = (self.errors.read().strip().splitlines() or ["without a word"])[-1]
        raise RuntimeError(f"{self.name}: the process ended with code {status}: {said}")

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def in_turns(children: Sequence[Child], rounds: int, clock: str = "wall") -> dict[str, list[float]]:
    """Milliseconds of each child's iterations, a round at a time, each round with another first."""
    # Enough iterations at a time that the caches and threads are this child's again.
    wall = children[0].ask("run", "1")["wall"]
    iterations, warm = (str(1 + int(most / wall)) for most in (100, WARM))
    times: dict[str, list[float]] = {child.name: [] for child in children}
    for turn in range(rounds):
        first = turn % len(children)
        for child in [*children[first:], *children[:first]]:
            child.ask("run", warm)
            times[child.name].append(child.ask("run", iterations)[clock])
    return times


def summary(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}
