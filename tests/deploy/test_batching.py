from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from toolkit.deploy import load
from toolkit.deploy.batching import Batcher
from toolkit.deploy.manifest import Manifest, TensorSpec
from toolkit.deploy.runner import Runner


class Doubles(Runner):
    """Doubles; waits for ``gate`` first; refuses a batch that holds a 13."""

    backend = "numpy"

    def __init__(self, *shape: int | None) -> None:
        super().__init__(Manifest("doubles", (TensorSpec("x", shape or (None, None)),), ()))
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.sizes: list[int] = []

    def _run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        self.entered.set()
        assert self.gate.wait(30)
        self.sizes.append(len(arrays[0]))
        if (arrays[0] == 13).any():
            raise ValueError("thirteen")
        return [2 * arrays[0]]


@pytest.fixture
def runner() -> Doubles:
    return Doubles()


@pytest.fixture
def batcher(runner: Doubles) -> Iterator[Batcher]:
    with Batcher(runner, max_batch=4, max_wait=5) as made:
        yield made


def row(value: float, samples: int = 1, width: int = 2) -> np.ndarray:
    return np.full((samples, width), value, np.float32)


def test_requests_go_together_and_each_gets_its_own(runner: Doubles, batcher: Batcher) -> None:
    futures = [batcher.submit(row(i, samples)) for i, samples in ((1, 1), (2, 2), (3, 1))]
    found = [future.result(30)[0] for future in futures]
    assert [x.tolist() for x in found] == [[[2, 2]], [[4, 4]] * 2, [[6, 6]]]
    assert runner.sizes == [4]


def test_a_request_does_not_wait_for_ever(runner: Doubles) -> None:
    with Batcher(runner, max_batch=100, max_wait=0) as batcher:
        assert batcher(row(3))[0].tolist() == [[6, 6]]


def test_other_shapes_and_what_is_too_much_go_next(runner: Doubles, batcher: Batcher) -> None:
    runner.gate.clear()
    futures = [batcher.submit(x) for x in (row(1, 4), row(1, 1, 3), row(1, 3), row(1, 9))]
    runner.gate.set()
    batcher.close()
    assert [future.result(0)[0].shape for future in futures] == [(4, 2), (1, 3), (3, 2), (9, 2)]
    assert runner.sizes == [4, 1, 3, 9]


def test_only_the_request_at_fault_fails(batcher: Batcher) -> None:
    futures = [batcher.submit(row(value)) for value in (1, 13, 2, 3)]
    with pytest.raises(ValueError, match="thirteen"):
        futures[1].result(30)
    assert [futures[i].result(30)[0][0, 0] for i in (0, 2, 3)] == [2, 4, 6]


def test_a_cancelled_request_is_not_computed(runner: Doubles, batcher: Batcher) -> None:
    runner.gate.clear()
    first = batcher.submit(row(1, 4))
    assert runner.entered.wait(30)
    second, third = batcher.submit(row(2)), batcher.submit(row(3))
    assert second.cancel()
    runner.gate.set()
    batcher.close()
    assert (len(first.result(0)[0]), third.result(0)[0][0, 0]) == (4, 6)
    assert runner.sizes == [4, 1]


def test_closing_answers_what_was_asked(runner: Doubles, batcher: Batcher) -> None:
    futures = [batcher.submit(row(i)) for i in range(3)]
    batcher.close()
    batcher.close()
    assert [future.result(0)[0][0, 0] for future in futures] == [0, 2, 4]
    with pytest.raises(RuntimeError, match="closed"):
        batcher.submit(row(1))


def test_what_does_not_fit_is_refused_at_once(runner: Doubles, batcher: Batcher) -> None:
    with pytest.raises(ValueError, match="2 axes"):
        batcher.submit(np.zeros(3))
    with pytest.raises(ValueError, match="got 2 arrays"):
        batcher.submit(row(1), row(1))
    with pytest.raises(ValueError, match="at least 1"):
        batcher.submit(row(1, 0))
    assert runner.sizes == []


def test_networks_of_one_batch_size_are_refused() -> None:
    with pytest.raises(ValueError, match="fixed first axis"):
        Batcher(Doubles(1, 2))
    with pytest.raises(ValueError, match="max_batch"):
        Batcher(Doubles(), max_batch=0)


def test_threads_share_a_batcher_and_a_network(exported: Path) -> None:
    runner = load(exported)
    rng = np.random.default_rng(0)
    data = [rng.normal(size=(1 + i % 3, 3, 32, 32)).astype(np.float32) for i in range(32)]
    wanted = [runner(x)[0] for x in data]
    with Batcher(runner, max_batch=8) as batcher, ThreadPoolExecutor(32) as pool:
        for call in (runner, batcher):
            for found, right in zip(pool.map(lambda x, c=call: c(x)[0], data), wanted, strict=True):
                np.testing.assert_allclose(found, right, atol=1e-4)


@pytest.mark.slow
def test_ten_thousand_requests_of_random_sizes_leak_nothing(exported: Path) -> None:
    rng = np.random.default_rng(0)
    data = [rng.normal(size=(n, 3, 32, 32)).astype(np.float32) for n in range(1, 9)]
    with Batcher(load(exported), max_batch=8) as batcher, ThreadPoolExecutor(32) as pool:
        wanted = [batcher(x)[0] for x in data]
        kept: list[int] = []
        for _ in range(10):
            chosen = rng.integers(0, 8, 1000)
            answers = pool.map(lambda i: batcher(data[i])[0], chosen)
            for i, found in zip(chosen, answers, strict=True):
                np.testing.assert_allclose(found, wanted[i], atol=1e-4)
            kept.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    assert kept[-1] - kept[2] < 50  # MiB, after what has to be planned and kept once
