"""A training run in a process of its own, to be killed: ``python resumable_run.py FOLDER ...``.

A network with dropout and BatchNorm, momentum, a moving average, a schedule, and samples that the
loader shuffles and augments. The same call goes on where a killed one was. At the end all
parameters are in ``FOLDER/final.npz``.
"""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path
from typing import Any

import toolkit  # noqa: F401  (prepares MXNet before it is imported)

# isort: split

import mxnet as mx
import numpy as np
from mxnet.gluon import nn
from mxnet.gluon.loss import SoftmaxCrossEntropyLoss

from toolkit.data import DataLoader
from toolkit.utils.training import (
    Checkpoints,
    Cosine,
    InEpochs,
    Optimization,
    Run,
    Setup,
    fit,
    seed_everything,
    supervised,
)


class Points:
    """Images of noise with a bright corner that tells their class."""

    def __len__(self) -> int:
        return 48

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        image = np.random.default_rng(index).normal(size=(1, 8, 8)).astype("float32")
        label = index % 4
        image[0, 4 * (label // 2) :, 4 * (label % 2) :] += 0.5
        return image, label


def augment(sample: Any, rng: np.random.Generator) -> Any:
    """Adds noise and shifts by a pixel."""
    image, label = sample
    image = np.roll(image, rng.integers(-1, 2), axis=2)
    return image + rng.normal(scale=0.1, size=image.shape).astype("float32"), np.int32(label)


def network() -> nn.HybridSequential:
    net = nn.HybridSequential()
    net.add(
        nn.Conv2D(8, 3, in_channels=1, use_bias=False),
        nn.BatchNorm(in_channels=8),
        nn.Activation("relu"),
        nn.Dropout(0.3),
        nn.GlobalAvgPool2D(),
        nn.Dense(4, in_units=8),
    )
    net.initialize(mx.init.Xavier())
    net.hybridize()
    return net


class Death:
    """Says that the run has begun, and kills the process after an epoch."""

    def __init__(self, folder: Path, epoch: int | None) -> None:
        self.folder, self.epoch = folder, epoch

    def on_start(self, run: Run) -> None:
        (self.folder / "started").write_text(str(run.step))

    def on_step(self, run: Run) -> None:
        if self.epoch is not None and run.epoch == self.epoch and run.batch == 3:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--every-steps", type=int)
    parser.add_argument("--die-in-epoch", type=int, help="after its third batch")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    seed_everything(3)
    net = network()
    loader = DataLoader(Points(), 6, shuffle=True, transform=augment, seed=3)
    run = fit(
        net,
        loader,
        forward=supervised(SoftmaxCrossEntropyLoss()),
        optimization=Optimization(
            "nag",
            InEpochs(Cosine(0.2, options.epochs)),
            options={"momentum": 0.9},
            weight_decay=1e-3,
            clip_norm=5.0,
            average=0.99,
        ),
        epochs=options.epochs,
        callbacks=[Death(options.folder, options.die_in_epoch)],
        setup=Setup(
            seed=3,
            folder=options.folder,
            checkpoints=Checkpoints(every_steps=options.every_steps),
            seed_every=1,
        ),
    )
    arrays = {f"average {key}": value for key, value in run.average.arrays().items()}
    for key, param in net._collect_params_with_prefix().items():
        arrays[key] = param.data().asnumpy()
    np.savez(options.folder / "final.npz", **arrays)


if __name__ == "__main__":
    main()
