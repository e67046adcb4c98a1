"""The processes of a job that ``toolkit launch`` started, over MXNet's parameter servers."""

from __future__ import annotations

import atexit
import faulthandler
import logging
import os
import pickle
import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.base import _LIB, check_call

from toolkit.utils.launch.job import NUMBER
from toolkit.utils.registry import unknown
from toolkit.utils.training.ring import RingWorkers
from toolkit.utils.training.workers import Alone, Workers

KVSTORES = ("dist_sync", "dist_device_sync", "dist_async", "horovod")
# Keys from here on hold what is reduced, those below are parameters. MXNet picks a server by the
# key times 9973 in 32 bits: keys above 215 000 would overflow.
SUMS = 1 << 17
CONTROL = 0  # the kind of command that MXNet hands on to the servers' Python
HANG = 20  # seconds that a failed process may take to end
_log = logging.getLogger(__name__)


def join(kvstore: str = "dist_sync") -> Workers:
    """The workers of the job that this process was launched in; outside of one, `Alone`.

    Args:
        kvstore: ``dist_sync``: all gradients of an update are added up, then every worker makes it.
            ``dist_device_sync``: the same, with the sum over several devices made on them.
            ``dist_async``: servers make an update of each worker's gradients as they come.
            ``horovod``: what ``dist_sync`` does, without servers, in a job of ``horovodrun``.

    Raises:
        ValueError: an unknown name.
        ModuleNotFoundError: ``horovod`` was asked for, and Horovod is missing.
    """
    if kvstore not in KVSTORES:
        raise ValueError(unknown("kvstore", kvstore, KVSTORES))
    if kvstore == "horovod":
        return RingWorkers()
    return JobWorkers(kvstore) if os.environ.get("DMLC_ROLE") == "worker" else Alone()


class JobWorkers:
    """This process among those of a job."""

    def __init__(self, kvstore: str) -> None:
        self.kvstore = kvstore
        self.store = mx.kv.create(kvstore)
        self.size = int(self.store.num_workers)
        # MXNet numbers workers as they connect; the launcher's numbers are the same in each run.
        self.rank = int(os.environ.get(NUMBER, self.store.rank))
        self._sync = "async" not in kvstore
        self._known: set[int] = set()
        if not self._sync:
            self.command({"sums": SUMS})
        _leave_in_order(self.store)
        _log.info("worker %d of %d joined the job", self.rank, self.size)

    def reduce(self, values: Mapping[str, float]) -> dict[str, float]:
        """The sums of each value over all processes, in float64."""
        if not values:
            return {}
        mine = mx.nd.array([float(value) for value in values.values()], dtype=np.float64)
        total = self._sum(mine) if self._sync else self._gather(mine)
        return dict(zip(values, total.asnumpy().tolist(), strict=True))

    def barrier(self) -> None:
        """Waits until all processes have come here."""
        mx.nd.waitall()
        self.store._barrier()

    def command(self, body: Mapping[str, Any]) -> None:
        """Tells the servers something; returns when they have done it."""
        self.store._send_command_to_servers(CONTROL, pickle.dumps(dict(body), 0).decode("ascii"))

    def _sum(self, mine: mx.nd.NDArray) -> mx.nd.NDArray:
        key = SUMS + mine.size
        self._introduce(key, mine)
        self.store.pushpull(key, mine, out=mine)
        return mine

    def _gather(self, mine: mx.nd.NDArray) -> mx.nd.NDArray:
        """Each process puts its values under a key of its own: async servers add nothing up."""
        first = SUMS + mine.size * self.size
        for rank in range(self.size):
            self._introduce(first + rank, mine)
        self.store.push(first + self.rank, mine)
        self.store.pull(first + self.rank, out=mine)
        self.barrier()
        parts = [mx.nd.empty(mine.shape, dtype=mine.dtype) for _ in range(self.size)]
        for rank, part in enumerate(parts):
            self.store.pull(first + rank, out=part)
        self.barrier()  # before anyone puts the next values there
        return mx.nd.add_n(*parts)

    def _introduce(self, key: int, example: mx.nd.NDArray) -> None:
        """Makes room for a key on the servers; all processes do it at the same place."""
        if key not in self._known:
            self._known.add(key)
            self.store.init(key, mx.nd.zeros_like(example))


def _leave_in_order(store: Any) -> None:
    """Closes the store before the interpreter is taken down; a process that fails waits for nobody.

    MXNet aborts where a store is still open when its library is unloaded, as one is that anything
    keeps to the end.
    """
    before, failed = sys.excepthook, threading.Event()

    def note(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        before(kind, error, trace)
        failed.set()

    def leave() -> None:
        if failed.is_set():
            check_call(_LIB.MXKVStoreSetBarrierBeforeExit(store.handle, 0))
            # What waits for answers that never come cannot be taken down in order.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            faulthandler.dump_traceback_later(HANG, exit=True, file=nowhere)
        else:
            mx.nd.waitall()
        handle, store.handle = store.handle, None  # the store itself would close it once more
        check_call(_LIB.MXKVStoreFree(handle))

    sys.excepthook = note
    atexit.register(leave)
