"""What runs inside a loader's worker process."""

from __future__ import annotations

import logging
import multiprocessing
import os
import queue
import signal
import threading
import time
import traceback
from dataclasses import dataclass
from multiprocessing import reduction, spawn
from multiprocessing.connection import Connection
from typing import Any

from toolkit.data.pipeline import LoadingError, Pipeline, few
from toolkit.data.shared_arrays import Block, Layout

GRACE = 5.0  # seconds that a worker may take to end when nobody listens any more


@dataclass(frozen=True)
class Setup:
    """The first message to a worker: what it needs to work at all; a block's descriptor follows."""

    process: dict[str, Any]  # sys.path, working folder, main module, as multiprocessing spawns with
    pipeline: Layout  # in the block: all workers share the data set's arrays
    log_level: int


@dataclass(frozen=True)
class Task:
    """Make one batch."""

    number: int
    epoch: int
    indices: bytes  # int64
    block: int  # where the batch is to go
    is_new: bool  # the block's descriptor follows this message


@dataclass(frozen=True)
class Reply:
    """What became of a task."""

    number: int
    layout: Layout | None  # None where it failed
    skipped: tuple[int, ...] = ()
    error: LoadingError | None = None


def serve(connection: Connection) -> None:
    """Makes batches until the other side closes the connection or is gone."""
    for ignored in (signal.SIGINT, signal.SIGTERM):  # these are for the process that started us
        signal.signal(ignored, lambda *_: None)
    pipeline = _prepare(connection)
    connection.send(None if isinstance(pipeline, Pipeline) else pipeline)
    if not isinstance(pipeline, Pipeline):
        return
    tasks: queue.SimpleQueue[tuple[Task, Block] | None] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(connection, tasks), daemon=True).start()
    while (work := tasks.get()) is not None:
        try:
            connection.send(_run(pipeline, *work))
        except (BrokenPipeError, ConnectionResetError):
            return


def _prepare(connection: Connection) -> Pipeline | str:
    """The pipeline, or the traceback of why there is none."""
    setup: Setup = connection.recv()
    block = Block(reduction.recv_handle(connection))
    logging.basicConfig(level=setup.log_level, format="%(levelname)s %(name)s: %(message)s")
    process = multiprocessing.current_process()
    try:
        process._inheriting = True  # type: ignore[attr-defined]  # no workers of a worker meanwhile
        spawn.prepare(setup.process)
        pipeline = block.private(setup.pipeline)
        assert isinstance(pipeline, Pipeline)
        return pipeline
    except Exception:
        return traceback.format_exc()
    finally:
        del process._inheriting  # type: ignore[attr-defined]


def _receive(connection: Connection, tasks: queue.SimpleQueue[tuple[Task, Block] | None]) -> None:
    """Takes tasks off the connection at once, so that their sender never waits for a batch."""
    blocks: dict[int, Block] = {}
    try:
        while True:
            task: Task = connection.recv()
            if task.is_new:
                blocks[task.block] = Block(reduction.recv_handle(connection))
            tasks.put((task, blocks[task.block]))
    except (EOFError, OSError):
        tasks.put(None)
        end_if_it_hangs()


def end_if_it_hangs() -> None:
    """Ends this process where the batch in work takes too long: nobody may be left to kill it."""
    time.sleep(GRACE)
    os._exit(1)


def _run(pipeline: Pipeline, task: Task, block: Block) -> Reply:
    indices = memoryview(task.indices).cast("q").tolist()
    try:
        made = pipeline.make(task.epoch, indices)
        return Reply(task.number, block.write(made.batch), made.skipped)
    except LoadingError as error:
        return _failed(task, str(error), error.indices)
    except Exception as error:  # the batch itself: it cannot be pickled, or memory is short
        text = f"the batch of samples {few(indices)} cannot be handed over: {error}"
        return _failed(task, text, tuple(indices))


def _failed(task: Task, text: str, indices: tuple[int, ...]) -> Reply:
    """What to answer while an exception is being handled."""
    error = LoadingError(f"{text}\n\n{traceback.format_exc()}", task.epoch, indices)
    return Reply(task.number, None, (), error)
