"""The processes of a job of Horovod: gradients go round in a ring, there are no servers.

    python -m toolkit.utils.training.ring -np 3 --gloo python train.py

is ``horovodrun`` with the same options.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.kvstore import KVStoreBase


class RingStore(KVStoreBase):
    """What Gluon's trainer asks of a KVStore, by Horovod's sums over all processes.

    Args:
        horovod: The module ``horovod.mxnet``, initialized.
    """

    def __init__(self, horovod: Any) -> None:
        self._horovod = horovod

    type = "horovod"

    @property
    def rank(self) -> int:
        """The number of this process."""
        return int(self._horovod.rank())

    @property
    def num_workers(self) -> int:
        """How many processes there are."""
        return int(self._horovod.size())

    @staticmethod
    def is_capable(capability: str) -> bool:
        """Nothing beyond sums: every process updates its parameters itself."""
        return False

    def broadcast(self, key: int, value: Any, out: Any, priority: int = 0) -> None:
        """Gives all processes the value that process 0 has."""
        self._horovod.broadcast_(value, root_rank=0, name=f"value {key}", priority=priority)
        for copy in out if isinstance(out, list) else [out]:
            if copy is not value:
                value.copyto(copy)

    def pushpull(self, key: int | str, value: Any, out: Any = None, priority: int = 0) -> None:
        """Puts the sum over all processes and their devices into each array of ``out``."""
        parts = value if isinstance(value, list) else [value]
        total = parts[0]
        if len(parts) > 1:
            total = mx.nd.add_n(*(part.copyto(total.context) for part in parts))
        self._horovod.allreduce_(total, op=self._horovod.Sum, name=f"sum {key}", priority=priority)
        out = parts if out is None else out
        for copy in out if isinstance(out, list) else [out]:
            if copy is not total:
                total.copyto(copy)


class RingWorkers:
    """This process among those of a job of Horovod.

    Raises:
        ModuleNotFoundError: Horovod is missing; the message says how it is built.
    """

    kvstore = "horovod"

    def __init__(self) -> None:
        try:
            import horovod.mxnet as horovod
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "kvstore 'horovod' needs Horovod with its MXNet part, which is not installed; "
                "docs/distributed.md says how it is built",
                name="horovod",
            ) from error
        horovod.init()
        self._horovod = horovod
        self.store = RingStore(horovod)
        self.rank, self.size = self.store.rank, self.store.num_workers

    def reduce(self, values: Mapping[str, float]) -> dict[str, float]:
        """The sums of each value over all processes, in float64."""
        if not values:
            return {}
        total = mx.nd.array([float(value) for value in values.values()], dtype=np.float64)
        # All processes reduce the same things in the same order.
        self.store.pushpull(f"of {len(values)} values", total)
        return dict(zip(values, total.asnumpy().tolist(), strict=True))

    def barrier(self) -> None:
        """Waits until all processes have come here."""
        mx.nd.waitall()
        self.reduce({"here": 1.0})

    def command(self, body: Mapping[str, Any]) -> None:
        """Does nothing: there are no servers."""


def main() -> None:
    """``horovodrun``, which itself imports MXNet, on any NumPy: this package was imported first."""
    from horovod.runner.launch import run_commandline

    run_commandline()


if __name__ == "__main__":
    main()
