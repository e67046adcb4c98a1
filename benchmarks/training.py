"""`fit` against a Gluon loop written by hand: time of an update, and memory over many of them.

Both train the same LeNet on the same batches of random digits, which lie in memory as NumPy arrays,
with the same optimizer; both read the loss each 50 updates. Rounds interleave. Printed are medians
over the rounds of the time and the CPU time (of all threads) of an update, and the overhead of
`fit`: 100 * (fit / by hand - 1). CPU time says more on a machine that others use as well (set
OMP_WAIT_POLICY=PASSIVE there, lest waiting threads count as working).

The memory is the resident set of the process each 100 updates of one run, and the slope of a
straight line through all but the first quarter of them.

    python benchmarks/training.py time [--batch-size 64] [--updates 150] [--rounds 9]
    python benchmarks/training.py memory [--batch-size 64] [--updates 2000]
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

from toolkit.utils.training import Optimization, Run, Setup, fit, seed_everything, supervised

import mxnet as mx
import numpy as np
from mxnet import autograd
from mxnet.gluon import Trainer, nn
from mxnet.gluon.loss import SoftmaxCrossEntropyLoss

LOG_EVERY = 50
RATE, MOMENTUM = 0.01, 0.9


def lenet() -> nn.HybridSequential:
    seed_everything(1)
    net = nn.HybridSequential()
    net.add(
        nn.Conv2D(20, 5, in_channels=1, activation="relu"),
        nn.MaxPool2D(2, 2),
        nn.Conv2D(50, 5, in_channels=20, activation="relu"),
        nn.MaxPool2D(2, 2),
        nn.Dense(500, in_units=800, activation="relu"),
        nn.Dense(10, in_units=500),
    )
    net.initialize(mx.init.Xavier())
    net.hybridize(static_alloc=True, static_shape=True)
    return net


def digits(batches: int, batch_size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(1)
    return [
        (
            rng.random((batch_size, 1, 28, 28), dtype=np.float32),
            rng.integers(0, 10, batch_size).astype(np.int32),
        )
        for _ in range(batches)
    ]


class Clock:
    """The time from the first update to the end, in which all updates are finished."""

    def start(self) -> None:
        self._begin = time.perf_counter(), time.process_time()

    def stop(self) -> None:
        mx.nd.waitall()
        self.spent = tuple(
            now - begin
            for now, begin in zip(
                (time.perf_counter(), time.process_time()), self._begin, strict=True
            )
        )

    def on_step(self, run: Run) -> None:
        if run.step == 1:
            mx.nd.waitall()
            self.start()

    def on_end(self, run: Run) -> None:
        self.stop()


def by_engine(net: Any, data: list[Any], clock: Clock) -> None:
    optimization = Optimization("sgd", RATE, options={"momentum": MOMENTUM})
    fit(
        net,
        data,
        forward=supervised(SoftmaxCrossEntropyLoss()),
        optimization=optimization,
        epochs=1,
        callbacks=[clock],
        setup=Setup(log_every=LOG_EVERY),
    )


def by_hand(net: Any, data: list[Any], clock: Clock) -> None:
    loss_of = SoftmaxCrossEntropyLoss()
    options = {"learning_rate": RATE, "momentum": MOMENTUM}
    trainer = Trainer(net.collect_params(), "sgd", options, kvstore=None)
    losses = []
    for number, (images, labels) in enumerate(data, 1):
        inputs = mx.nd.array(images, dtype=images.dtype)
        targets = mx.nd.array(labels, dtype=labels.dtype)
        with autograd.record():
            loss = loss_of(net(inputs), targets)
        loss.backward()
        trainer.step(len(images))
        losses.append(loss)
        if len(losses) > 2:
            losses[-3].wait_to_read()  # or hundreds of batches would be under way
        if number == 1:
            mx.nd.waitall()
            clock.start()
        if number % LOG_EVERY == 0:
            sum(float(value.asnumpy().mean()) for value in losses)
            losses.clear()
    clock.stop()


def compare(batch_size: int, updates: int, rounds: int) -> None:
    data = digits(updates, batch_size)
    spent: dict[str, list[Any]] = {"by hand": [], "fit": []}
    for number in range(rounds + 1):
        order = [("by hand", by_hand), ("fit", by_engine)]
        for name, train in order if number % 2 else order[::-1]:
            clock = Clock()
            train(lenet(), data, clock)
            if number:  # the first round warms up
                spent[name].append([1000 * value / (updates - 1) for value in clock.spent])
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)]
        for name, rows in spent.items()
    }
    for name, (wall, cpu) in medians.items():
        print(f"{name:8} {wall:7.3f} ms an update, {cpu:7.3f} ms of CPU")
    ratios = [
        100 * (statistics.median(ours) - 1)
        for ours in zip(
            *(
                [f / h for f, h in zip(fits, hands, strict=True)]
                for fits, hands in zip(spent["fit"], spent["by hand"], strict=True)
            ),
            strict=True,
        )
    ]
    print(f"overhead (median of {rounds} pairs): {ratios[0]:+.1f} % time, {ratios[1]:+.1f} % CPU")


class Memory:
    """Notes the resident set each 100 updates."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.megabytes: list[float] = []

    def on_step(self, run: Run) -> None:
        if run.step % 100 == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.steps.append(run.step)
            self.megabytes.append(pages * 4096 / 2**20)


def measure_memory(batch_size: int, updates: int) -> None:
    memory = Memory()
    fit(
        lenet(),
        digits(50, batch_size),
        forward=supervised(SoftmaxCrossEntropyLoss()),
        optimization=Optimization("adamw", 1e-4, average=0.99, clip_norm=1.0),
        steps=updates,
        callbacks=[memory],
    )
    print("MB:", " ".join(f"{value:.1f}" for value in memory.megabytes))
    later = len(memory.steps) // 4
    slope = np.polyfit(memory.steps[later:], memory.megabytes[later:], 1)[0]
    print(f"slope after {memory.steps[later]} updates: {100 * slope:+.3f} MB per 100 updates")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("what", choices=["time", "memory"])
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--updates", type=int, help="by default 150 or 2000")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    if options.what == "time":
        compare(options.batch_size, options.updates or 150, options.rounds)
    else:
        measure_memory(options.batch_size, options.updates or 2000)


if __name__ == "__main__":
    main()
