"""Worker processes that make batches: started once, fed with tasks, watched, and closed.

A worker is a fresh interpreter, not a fork: MXNet's threads do not survive one. It imports the
program's main module only where the data set or the functions come from there, and MXNet only
where they do.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing import reduction, spawn
from multiprocessing.connection import Connection, wait
from typing import Any

import numpy as np

from toolkit.data.pipeline import Made, Pipeline, few
from toolkit.data.shared_arrays import Block, Layout
from toolkit.data.worker_process import GRACE, Reply, Setup, Task

# The caller's search path comes first: then whatever the caller could import can be imported.
START = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    "import sys, multiprocessing.connection as c; connection = c.Connection(int(sys.argv[1])); "
    "sys.path[:] = connection.recv(); "
    "from toolkit.data.worker_process import serve; serve(connection)"
)
# A worker is one of several: threads of its own would only fight for the same cores.
ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)
PARTS = ("dataset", "transform", "batchify", "batch_transform")
MAIN = ("init_main_from_name", "init_main_from_path")
MAX_LENT = 8  # batches that the caller may hold on to; of further ones it gets copies

logger = logging.getLogger(__name__)


class WorkerError(RuntimeError):
    """A worker process ended, hung or never started; the message says which and how."""


@dataclass(eq=False)
class Worker:
    """One process, seen from outside."""

    rank: int
    process: subprocess.Popen[bytes]
    connection: Connection
    started: bool = False  # it has answered the first message
    tasks: dict[int, tuple[int, bytes, int]] = field(default_factory=dict)  # epoch, indices, block
    blocks: list[Block] = field(default_factory=list)
    free: list[int] = field(default_factory=list)  # numbers of blocks


class WorkerPool:
    """Hands tasks to worker processes and takes back their batches.

    Raises:
        TypeError: the pipeline cannot be pickled; it says what cannot.
    """

    def __init__(self, pipeline: Pipeline, count: int, timeout: float | None) -> None:
        block, layout = shared(pipeline)
        self.timeout = timeout
        self._number = 0
        self._wanted: dict[int, Worker] = {}  # tasks whose result someone waits for
        self._done: dict[int, tuple[Worker, Reply, int]] = {}
        self._lent: set[tuple[int, int]] = set()  # worker and block of batches in use outside
        self._workers: list[Worker] = []
        self.close = weakref.finalize(self, _close, self._workers, os.getpid())
        try:
            for rank in range(count):
                self._workers.append(_start(rank, block, layout))
        except BaseException:
            self.close()
            raise

    def submit(self, epoch: int, indices: np.ndarray) -> int:
        """Asks for a batch; returns the number under which ``result`` gives it."""
        worker = min(self._workers, key=lambda one: len(one.tasks))
        is_new = not worker.free
        if is_new:
            worker.blocks.append(Block())
            worker.free.append(len(worker.blocks) - 1)
        number, block = self._number, worker.free.pop()
        content = np.ascontiguousarray(indices, np.int64).tobytes()
        self._number += 1
        worker.tasks[number] = (epoch, content, block)
        self._wanted[number] = worker
        try:
            worker.connection.send(Task(number, epoch, content, block, is_new))
            if is_new:
                reduction.send_handle(
                    worker.connection, worker.blocks[block].descriptor, worker.process.pid
                )
        except OSError:  # it has ended: ``result`` says so when it is this batch's turn
            logger.debug("worker %d takes no more tasks", worker.rank)
        return number

    def result(self, number: int) -> Made:
        """Waits for a batch.

        Raises:
            LoadingError: a sample of it failed.
            WorkerError: its worker ended, or took longer than the timeout.
        """
        deadline = None if self.timeout is None else time.monotonic() + self.timeout
        while number not in self._done:
            self._collect(self._wanted[number], number, deadline)
        worker, reply, block = self._done.pop(number)
        del self._wanted[number]
        if reply.layout is None:
            worker.free.append(block)
            assert reply.error is not None
            raise reply.error
        if len(self._lent) >= MAX_LENT:
            batch = worker.blocks[block].copy(reply.layout)
            worker.free.append(block)
        else:
            lent = (worker.rank, block)
            self._lent.add(lent)
            giving_back = _giving_back(self._lent, lent, worker.free)
            batch = worker.blocks[block].read(reply.layout, giving_back)
        return Made(batch, reply.skipped)

    def forget(self, numbers: Sequence[int]) -> None:
        """Gives up on batches: nobody will ask for them."""
        for number in numbers:
            self._wanted.pop(number, None)
            if number in self._done:
                worker, _, block = self._done.pop(number)
                worker.free.append(block)

    def _collect(self, awaited: Worker, number: int, deadline: float | None) -> None:
        """Takes in what any worker has sent, waiting for it."""
        if not self._workers:
            raise WorkerError("the loader was closed while its batches were still asked for")
        left = None if deadline is None else max(deadline - time.monotonic(), 0)
        by_connection = {worker.connection: worker for worker in self._workers}
        ready = wait(list(by_connection), left)
        if not ready:
            raise WorkerError(
                f"worker {awaited.rank} (process {awaited.process.pid}) has sent nothing for "
                f"{self.timeout:g} s; it was asked for {_named(awaited, number)}. "
                "Raise timeout= where loading takes that long"
            )
        for connection in ready:
            worker = by_connection[connection]  # type: ignore[index]
            try:
                message = worker.connection.recv()
            except (EOFError, OSError) as error:
                raise WorkerError(_ended(worker)) from error
            self._take(worker, message)

    def _take(self, worker: Worker, message: Any) -> None:
        if not worker.started:
            if message is not None:
                raise WorkerError(f"worker {worker.rank} could not start:\n\n{message}")
            worker.started = True
            return
        _, _, block = worker.tasks.pop(message.number)
        if message.number in self._wanted:
            self._done[message.number] = (worker, message, block)
        else:
            worker.free.append(block)


def shared(pipeline: Pipeline) -> tuple[Block, Layout]:
    """The pipeline for the workers; raises TypeError that names what of it cannot be pickled."""
    block = Block()
    try:
        return block, block.write(pipeline)
    except Exception as error:  # pickling raises errors of every kind
        parts = [name for name in PARTS if not _can_be_pickled(getattr(pipeline, name))]
        raise TypeError(
            f"the {' and the '.join(parts or PARTS)} cannot be sent to worker processes: {error}. "
            "Use functions and classes of a module, not lambdas or local ones, and open files on "
            "first use; or load without workers (workers=0)"
        ) from error


def _can_be_pickled(value: Any) -> bool:
    try:
        pickle.dumps(value)
    except Exception as error:
        logger.debug("%r cannot be pickled: %s", value, error)
        return False
    return True


def _start(rank: int, block: Block, layout: Layout) -> Worker:
    ours, theirs = socket.socketpair()
    process = spawn.get_preparation_data(f"loader-{rank}")
    process.pop("authkey", None)
    if b"__main__" not in layout.pickled:
        for name in MAIN:
            process.pop(name, None)
    environment = dict(os.environ, **dict.fromkeys(ONE_THREAD, "1"))
    with theirs:
        program = subprocess.Popen(
            [spawn.get_executable(), "-c", START, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env=environment,
        )
    worker = Worker(rank, program, Connection(ours.detach()))
    try:
        worker.connection.send(list(sys.path))
        worker.connection.send(Setup(process, layout, logging.getLogger().getEffectiveLevel()))
        reduction.send_handle(worker.connection, block.descriptor, program.pid)
    except OSError as error:
        raise WorkerError(_ended(worker)) from error
    return worker


def _giving_back(lent: set[tuple[int, int]], item: tuple[int, int], free: list[int]) -> Any:
    """What to call when nothing of a batch is left in the caller's hands."""

    def give_back() -> None:
        lent.discard(item)
        free.append(item[1])

    return give_back


def _named(worker: Worker, number: int) -> str:
    epoch, content, _ = worker.tasks[number]
    return f"samples {few(np.frombuffer(content, np.int64).tolist())} of epoch {epoch}"


def _ended(worker: Worker) -> str:
    """How a worker whose connection broke came to its end, and what it was doing."""
    try:
        status: int | None = worker.process.wait(GRACE)
    except subprocess.TimeoutExpired:
        status = None
    if status is None:
        how = "closed its connection"
    elif status < 0:
        how = f"was killed by {signal.Signals(-status).name}"
        if -status == signal.SIGKILL:
            how += " (the system does so when memory runs out)"
    else:
        how = f"ended with exit status {status}"
    doing = f" while it loaded {_named(worker, min(worker.tasks))}" if worker.tasks else ""
    return f"worker {worker.rank} (process {worker.process.pid}) {how}{doing}"


def _close(workers: list[Worker], owner: int) -> None:
    """Ends the processes: those that do not end by themselves are killed."""
    if os.getpid() != owner:  # a fork of the owner has no children to end
        return
    for worker in workers:
        descriptor = worker.connection.fileno()
        line = socket.fromfd(descriptor, socket.AF_UNIX, socket.SOCK_STREAM)
        with line, contextlib.suppress(OSError):  # the worker may be gone already
            line.shutdown(socket.SHUT_RDWR)  # works even where a fork of ours holds it as well
        worker.connection.close()
    deadline = time.monotonic() + GRACE
    for worker in workers:
        try:
            worker.process.wait(max(deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()
    workers.clear()
