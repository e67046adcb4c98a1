"""Jobs of Horovod: for real where it is installed, and its part of the engine by a stand-in."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.utils.checkpoints import read_arrays
from toolkit.utils.training import join
from toolkit.utils.training.ring import RingStore, RingWorkers

SCRIPT = Path(__file__).parents[1] / "launch" / "train_job.py"
MISSING = importlib.util.find_spec("horovod") is None


class Ring:
    """Two processes that always hold the same: a sum is the double."""

    Sum = "sum"

    def __init__(self) -> None:
        self.names: list[str] = []

    def init(self) -> None:
        pass

    def rank(self) -> int:
        return 1

    def size(self) -> int:
        return 2

    def broadcast_(self, value: Any, root_rank: int, name: str, priority: int) -> None:
        assert root_rank == 0
        value[:] = 7

    def allreduce_(self, value: Any, op: str, name: str, priority: int) -> None:
        assert op == self.Sum
        self.names.append(name)
        value *= 2


def test_without_horovod_the_message_says_where_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "horovod", None)
    with pytest.raises(ModuleNotFoundError, match=r"docs/distributed\.md says how it is built"):
        join("horovod")


def test_values_are_added_up_over_all_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = Ring()
    monkeypatch.setitem(sys.modules, "horovod", SimpleNamespace(mxnet=ring))
    monkeypatch.setitem(sys.modules, "horovod.mxnet", ring)
    workers = join("horovod")
    assert isinstance(workers, RingWorkers)
    assert (workers.rank, workers.size) == (1, 2)
    assert workers.reduce({"loss": 0.1, "count": 2**40 + 1}) == {"loss": 0.2, "count": 2**41 + 2}
    assert workers.reduce({}) == {}
    workers.barrier()


def test_gradients_of_all_devices_of_all_processes_are_added_up() -> None:
    store = RingStore(Ring())
    values = [mx.nd.array([1, 2], ctx=mx.cpu(0)), mx.nd.array([3, 5], ctx=mx.cpu(1))]
    store.pushpull(0, values)
    assert [value.asnumpy().tolist() for value in values] == [[8, 14]] * 2
    assert [value.context for value in values] == [mx.cpu(0), mx.cpu(1)]
    store.broadcast(0, values[0], values)
    assert [value.asnumpy().tolist() for value in values] == [[7, 7]] * 2
    assert not store.is_capable(mx.kvstore.KVStoreBase.OPTIMIZER)


@pytest.mark.skipif(MISSING, reason="Horovod is not installed; it is built from source")
def test_three_workers_learn_what_one_does(tmp_path: Path) -> None:
    words = [str(SCRIPT), str(tmp_path / "three"), "horovod", "3"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = [sys.executable, "-m", "toolkit.utils.training.ring", "-np", "3", "--gloo"]
    command = [*run, sys.executable, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    words[1] = str(tmp_path / "one")
    words[2] = "dist_sync"
    subprocess.run([sys.executable, *words], check=True, timeout=240, env=environment)
    expected = read_arrays(tmp_path / "one" / "worker0.params")
    for rank in range(3):
        found = read_arrays(tmp_path / "three" / f"worker{rank}.params")
        assert set(found) == set(expected)
        for key, value in expected.items():
            np.testing.assert_allclose(found[key], value, rtol=0, atol=1e-5, err_msg=key)
