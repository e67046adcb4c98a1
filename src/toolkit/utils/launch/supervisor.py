"""Starts a job, watches its processes, and leaves none behind."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FrameType

from toolkit.utils.launch.hosts import free_port
from toolkit.utils.launch.job import Job, JobError
from toolkit.utils.launch.processes import Process, start
from toolkit.utils.launch.ssh import check

POLL = 0.05  # seconds between two looks at the processes
LINGER = 10.0  # seconds that servers may outlive workers, or workers a server, at the end of a job
INTERRUPTED = 75  # exit status of a worker that saved its state and can be resumed (EX_TEMPFAIL)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """How long a job waits for what."""

    grace: float = 60.0  # seconds that workers have to save and end when they are told to
    connect: float = 10.0  # seconds until another machine must have answered


def run(job: Job, patience: Patience | None = None) -> None:
    """Runs a job to its end.

    SIGTERM and Ctrl-C are handed on to the workers, which may save their state and exit with
    status 75; a second one ends them at once. Whatever happens, no process of the job is left when
    this returns.

    Raises:
        JobError: a process failed (which one, how), a machine cannot be reached, or the job was
            told to end; ``status`` is what the launcher should exit with.
        OSError: the command cannot be run.
    """
    patience = patience or Patience()
    check(job.hosts, job.python, patience.connect)
    job = job if job.port else replace(job, port=free_port())
    processes: list[Process] = []
    with _signals() as told:
        try:
            for task in job.tasks():
                processes.append(start(task, job.python, patience.connect))
                _log.info("started %s", task)
            _watch(processes, told, patience)
        finally:
            for process in processes:
                if process.poll() is None:
                    process.send(signal.SIGTERM)
            for process in processes:
                process.kill()


def _watch(processes: Sequence[Process], told: list[int], patience: Patience) -> None:
    """Waits for the workers, then for the servers."""
    workers = [p for p in processes if p.task.role == "worker"]
    others = [p for p in processes if p.task.role != "worker"]
    ending: float | None = None  # when patience with the workers ends
    while any(p.poll() is None for p in workers):
        now = time.monotonic()
        if told and ending is None:
            ending = now + patience.grace
            _log.info("handing signal %d on to the workers", told[0])
            for worker in workers:
                worker.send(signal.SIGTERM)
        for process in processes:
            _check(process)
        if ending is None and any(p.poll() is not None for p in others):
            ending = now + LINGER  # the last workers are about to end, too
        if len(told) > 1 or (ending is not None and now > ending):
            raise _overdue(workers, others, told, patience)
        time.sleep(POLL)
    for process in processes:
        _check(process)
    ending = time.monotonic() + LINGER
    while any(p.poll() is None for p in others) and time.monotonic() < ending:
        time.sleep(POLL)
    if any(p.poll() == INTERRUPTED for p in workers):
        raise JobError("the job was told to end, and can be resumed", INTERRUPTED)
    if told:
        raise JobError(f"the job was ended by {signal.Signals(told[0]).name}", 128 + told[0])


def _check(process: Process) -> None:
    """Raises JobError where a process has failed."""
    status = process.poll()
    if not status or (status == INTERRUPTED and process.task.role == "worker"):
        return
    if status > 0:
        raise JobError(f"{process.task} failed with status {status}", status)
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = str(-status)
    raise JobError(f"{process.task} was ended by signal {name}", 128 - status)


def _overdue(
    workers: Sequence[Process], others: Sequence[Process], told: list[int], patience: Patience
) -> JobError:
    """The error about what did not happen in time."""
    running = ", ".join(str(p.task) for p in workers if p.poll() is None)
    if told:
        name = signal.Signals(told[0]).name
        when = (
            f"within {patience.grace:g} s of {name}"
            if len(told) == 1
            else "before the second signal"
        )
        return JobError(f"{running} did not end {when}", 128 + told[0])
    gone = ", ".join(str(p.task) for p in others if p.poll() is not None)
    return JobError(f"{gone} ended while {running} went on")


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Notes SIGTERM and SIGINT instead of dying of them."""
    told: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        told.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
