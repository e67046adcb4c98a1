"""A server or the scheduler of a job: ``python -m toolkit.utils.launch.node``.

MXNet's own way is to start the workers' script for these, too, where ``import mxnet`` never
returns. That import is incomplete then, so an optimizer of another package cannot be read by it.
Here MXNet is imported as usual before the role is taken on. Commands beyond MXNet's own:

* ``{"learning_rate": x}``: the rate of the servers' optimizer from now on, which MXNet only sends
  once, when a run begins;
* ``{"sums": first}``: keys from ``first`` on hold values as they are, no parameters to optimize.
"""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Mapping
from typing import Any

import mxnet as mx
from mxnet.kvstore.kvstore_server import KVStoreServer

from toolkit.utils.launch.job import ROLE

_log = logging.getLogger(__name__)


class Node(KVStoreServer):  # type: ignore[misc]
    """A server, which keeps the parameters, or the scheduler, which knows all processes."""

    def __init__(self, kvstore: Any) -> None:
        super().__init__(kvstore)
        self._optimizer: Any = None
        self._update: Any = None
        self._sums: int | None = None

    def _controller(self) -> Any:
        def control(head: int, body: bytes, _: Any) -> None:
            try:
                self.obey(pickle.loads(body))
            except Exception:
                # ctypes would drop the error, and the workers would wait for an answer for ever.
                _log.exception("a server could not carry out command %d", head)
                os._exit(1)

        return control

    def obey(self, command: Any) -> None:
        """Takes an optimizer, or one of the commands above."""
        if not isinstance(command, Mapping):
            if self._optimizer is None:  # every worker sends it; a second would lose the states
                self._optimizer = command
                self._update = mx.optimizer.get_updater(command)
                self.kvstore._set_updater(self.update)
        elif "learning_rate" in command:
            self._optimizer.lr = command["learning_rate"]
        else:
            self._sums = command["sums"]
            self.kvstore._set_updater(self.update)

    def update(self, key: int, received: Any, stored: Any) -> None:
        """What becomes of a value that arrived."""
        if self._sums is not None and key >= self._sums:
            stored[:] = received
        else:
            self._update(key, received, stored)


def main() -> None:
    """Runs the role that the environment names, until the job ends."""
    os.environ["DMLC_ROLE"] = os.environ[ROLE]
    Node(mx.kv.create("dist")).run()


if __name__ == "__main__":
    main()
