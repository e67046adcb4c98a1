"""Tiny networks and data for the training engine."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn
from mxnet.gluon.loss import SoftmaxCrossEntropyLoss

from toolkit.utils import disk
from toolkit.utils.training import Optimization, fit, seed_everything, supervised

CLASSES = 3


class Batches:
    """Shuffled batches of points around one centre a class, decided by seed and epoch."""

    def __init__(self, samples: int = 24, batch_size: int = 6, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.labels = rng.integers(0, CLASSES, samples).astype("int32")
        centres = 2 * rng.normal(size=(CLASSES, 4))
        self.points = (centres[self.labels] + rng.normal(size=(samples, 4))).astype("float32")
        self.batch_size = batch_size
        self.seed = seed
        self.asked: list[tuple[int, int]] = []  # (epoch, start)

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Any]:
        self.asked.append((epoch, start))
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.labels))
        for number in range(start, len(self)):
            rows = order[number * self.batch_size : (number + 1) * self.batch_size]
            noise = np.random.default_rng([self.seed, epoch, number]).normal(size=(len(rows), 4))
            yield self.points[rows] + 0.1 * noise.astype("float32"), self.labels[rows]


def make_net(dropout: float = 0.3, contexts: Any = None) -> nn.HybridSequential:
    """A classifier with dropout and BatchNorm, the same each time."""
    seed_everything(7)
    net = nn.HybridSequential()
    net.add(
        nn.Dense(8, in_units=4),
        nn.BatchNorm(in_channels=8),
        nn.Activation("relu"),
        nn.Dropout(dropout),
        nn.Dense(CLASSES, in_units=8),
    )
    net.initialize(mx.init.Xavier(), ctx=contexts)
    net.hybridize()
    return net


def parameters(net: Any) -> dict[str, np.ndarray]:
    """All values by structural name."""
    mx.nd.waitall()
    return {
        key: param.list_data()[0].asnumpy()
        for key, param in net._collect_params_with_prefix().items()
    }


def train(net: Any, loader: Any = None, **options: Any) -> Any:
    """`fit` with the usual objective and, unless given, one epoch of plain descent."""
    options.setdefault("optimization", Optimization("sgd", 0.1))
    if "steps" not in options:
        options.setdefault("epochs", 1)
    options.setdefault("forward", supervised(SoftmaxCrossEntropyLoss()))
    return fit(net, Batches() if loader is None else loader, **options)


class Kit:
    """The helpers, for tests: a conftest is not imported."""

    Batches = Batches
    make_net = staticmethod(make_net)
    parameters = staticmethod(parameters)
    train = staticmethod(train)
    forward = staticmethod(supervised(SoftmaxCrossEntropyLoss()))


class Filling:
    """A file on a disk that has room for a number of bytes."""

    def __init__(self, handle: Any, room: list[int]) -> None:
        self._handle, self._room = handle, room

    def write(self, data: Any) -> int:
        self._room[0] -= len(data)
        if self._room[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return int(self._handle.write(data))

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handle, name)

    def __enter__(self) -> Filling:
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.close()


@pytest.fixture
def disk_with_room(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lets `atomic_write` have room for that many bytes more, for all files together."""

    def leave(room: int) -> None:
        left = [room]

        def opened(*args: Any, **options: Any) -> Filling:
            return Filling(open(*args, **options), left)

        monkeypatch.setattr(disk, "open", opened, raising=False)

    return leave


@pytest.fixture(scope="session")
def kit() -> type[Kit]:
    """Tiny networks and data."""
    return Kit


@pytest.fixture
def same_parameters() -> Callable[[Any, Any], None]:
    """Asserts that two networks hold the same bits."""

    def check(first: Any, second: Any) -> None:
        ours, theirs = parameters(first), parameters(second)
        assert list(ours) == list(theirs)
        for key, value in ours.items():
            np.testing.assert_array_equal(value, theirs[key], err_msg=key)

    return check
