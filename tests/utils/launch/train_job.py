"""Trains a tiny network, alone or as one of the workers of a job; for the tests.

    train_job.py FOLDER KVSTORE EPOCHS [RANK STEP HOW]

With the last three, the worker of that rank ends itself at that step: HOW is ``kill`` or ``raise``.
The network has no BatchNorm, so what workers compute together is what one would alone.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import Any

import toolkit  # noqa: F401  (prepares MXNet, which is imported next)

# isort: split
import mxnet as mx
import numpy as np
from mxnet.gluon import nn
from mxnet.gluon.loss import SoftmaxCrossEntropyLoss

from toolkit.data import DataLoader
from toolkit.data.samplers import ShardedBatches, ShuffledBatches
from toolkit.utils.checkpoints import write_params
from toolkit.utils.training import (
    Checkpoints,
    Cosine,
    JsonLog,
    Optimization,
    Setup,
    fit,
    join,
    seed_everything,
    supervised,
)

SAMPLES, BATCH, CLASSES = 48, 12, 3


def make_data() -> list[tuple[np.ndarray, Any]]:
    rng = np.random.default_rng(5)
    labels = rng.integers(0, CLASSES, SAMPLES)
    points = rng.normal(size=(CLASSES, 6))[labels] + 0.5 * rng.normal(size=(SAMPLES, 6))
    return [(x.astype("float32"), np.float32(y)) for x, y in zip(points, labels, strict=True)]


def make_net() -> nn.HybridSequential:
    seed_everything(1)
    net = nn.HybridSequential()
    net.add(nn.Dense(16, "relu", in_units=6), nn.Dense(CLASSES, in_units=16))
    net.initialize(mx.init.Xavier())
    net.hybridize()
    return net


class EndItself:
    """Ends the process at a step, as an accident would."""

    def __init__(self, rank: str, step: str, how: str) -> None:
        self.rank, self.step, self.how = int(rank), int(step), how

    def on_step(self, run: Any) -> None:
        if (run.rank, run.step) == (self.rank, self.step):
            if self.how == "raise":
                raise RuntimeError("an accident")
            os.kill(os.getpid(), signal.SIGKILL)


def main(folder: str, kvstore: str, epochs: str, *accident: str) -> None:
    workers = join(kvstore)
    if workers.store is not None:  # what outlives the interpreter must not make its end an abort
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(workers.store))
    order = ShuffledBatches(SAMPLES, BATCH, seed=2)
    loader = DataLoader(make_data(), sampler=ShardedBatches(order, workers.rank, workers.size))
    net = make_net()
    fit(
        net,
        loader,
        forward=supervised(SoftmaxCrossEntropyLoss()),
        optimization=Optimization(
            "sgd", Cosine(0.2, 20), options={"momentum": 0.9}, weight_decay=1e-3
        ),
        epochs=int(epochs),
        callbacks=[JsonLog(), *([EndItself(*accident)] if accident else [])],
        setup=Setup(
            folder=folder,
            log_every=2,
            seed_every=2,
            checkpoints=Checkpoints(every_steps=2),
            workers=workers,
        ),
    )
    arrays = {k: p.data().asnumpy() for k, p in net._collect_params_with_prefix().items()}
    write_params(Path(folder) / f"worker{workers.rank}.params", arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
