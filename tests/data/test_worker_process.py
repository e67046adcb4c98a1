from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from multiprocessing import Pipe, reduction
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from toolkit.data import worker_process
from toolkit.data.batchify import StackFields
from toolkit.data.pipeline import Pipeline
from toolkit.data.shared_arrays import Block
from toolkit.data.worker_process import Reply, Setup, Task, serve


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Connection, threading.Thread]]:
    """A worker in a thread of this process, and the connection to it."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(worker_process.spawn, "prepare", lambda data: None)
    monkeypatch.setattr(worker_process, "end_if_it_hangs", lambda: None)
    ours, theirs = Pipe()
    thread = threading.Thread(target=serve, args=(theirs,), daemon=True)
    thread.start()
    yield ours, thread
    ours.close()
    thread.join(30)
    assert not thread.is_alive()  # it ends when the connection does


def start(ours: Connection, value: Any) -> Any:
    block = Block()
    ours.send(Setup({}, block.write(value), logging.WARNING))
    reduction.send_handle(ours, block.descriptor, os.getpid())
    return ours.recv()


def ask(ours: Connection, block: Block, number: int, *indices: int, is_new: bool = False) -> Reply:
    content = np.array(indices, np.int64).tobytes()
    ours.send(Task(number, 0, content, 0, is_new))
    if is_new:
        reduction.send_handle(ours, block.descriptor, os.getpid())
    reply = ours.recv()
    assert isinstance(reply, Reply)
    return reply


def test_it_answers_tasks(ends: tuple[Connection, threading.Thread], cases: ModuleType) -> None:
    ours, _ = ends
    data = cases.Numbers(broken=(4,))
    assert start(ours, Pipeline(data, None, StackFields(), 0, False, None)) is None
    block = Block()
    reply = ask(ours, block, 7, 2, 3, is_new=True)
    assert reply.number == 7
    assert reply.layout is not None
    assert block.copy(reply.layout)[1].tolist() == [2, 3]
    failed = ask(ours, block, 8, 4)
    assert failed.layout is None
    assert failed.error is not None
    assert failed.error.indices == (4,)
    assert "Traceback" in str(failed.error)


def test_it_says_why_it_cannot_start(ends: tuple[Connection, threading.Thread]) -> None:
    ours, thread = ends
    assert "AssertionError" in start(ours, "no pipeline")
    thread.join(30)
    assert not thread.is_alive()


def test_a_hanging_orphan_ends_itself() -> None:
    program = (
        "import signal, socket, threading, queue; "
        "from multiprocessing.connection import Connection; "
        "from toolkit.data import worker_process as w; w.GRACE = 0.01; "
        "ours, theirs = socket.socketpair(); ours.close(); "
        "tasks = queue.SimpleQueue(); connection = Connection(theirs.detach()); "
        "threading.Thread(target=w._receive, args=(connection, tasks), daemon=True).start(); "
        "signal.pause()"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=60, capture_output=True)
    assert done.returncode == 1
    assert not done.stderr
