"""The loss of regions against its definition in NumPy, and by finite differences."""

from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.loss import RegionLoss

Batch = tuple[np.ndarray, ...]


def reference(scores: np.ndarray, codes: np.ndarray, *targets: np.ndarray) -> tuple[float, float]:
    classes, wanted = targets
    shifted = scores - scores.max(2, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(2, keepdims=True))
    entropy = smooth = 0.0
    for place in zip(*np.nonzero(classes >= 0), strict=True):
        kind = int(classes[place])
        entropy -= logs[place][kind]
        if kind:
            error = np.abs(codes[place][min(kind, codes.shape[2]) - 1] - wanted[place])
            smooth += np.where(error < 1, error**2 / 2, error - 0.5).sum()
    counted = max((classes >= 0).sum(), 1)
    return entropy / counted, smooth / counted


def make(sets: int) -> Batch:
    rng = np.random.default_rng(1)
    classes = rng.integers(-1, 4, (2, 9)).astype(float)
    shapes = ((2, 9, 4), (2, 9, sets, 4), (2, 9, 4))
    scores, codes, targets = (2 * rng.normal(size=shape) for shape in shapes)
    return scores, codes, classes, targets


def run(batch: Batch) -> list[float]:
    return [part.asscalar() for part in RegionLoss()(*map(mx.nd.array, batch))]


@pytest.mark.parametrize("sets", [3, 1], ids=["a box a class", "a box for all"])
def test_equals_the_definition(sets: int) -> None:
    batch = make(sets)
    assert {-1, 0, 1, 2, 3} == set(batch[2].ravel())
    np.testing.assert_allclose(run(batch), reference(*batch), rtol=1e-5)


def test_what_counts_nothing_may_be_anything() -> None:
    batch = make(3)
    expected = run(batch)
    batch[3][batch[2] <= 0] = np.nan
    batch[1][batch[2] <= 0] = np.nan
    batch[0][batch[2] < 0] = 1e30
    assert run(batch) == expected


def test_a_batch_without_regions_costs_nothing() -> None:
    batch = make(3)
    batch[2][:] = -1
    assert run(batch) == [0, 0]


@pytest.mark.parametrize("sets", [3, 1])
@pytest.mark.parametrize("place", [0, 1], ids=["scores", "codes"])
def test_gradient_equals_differences(sets: int, place: int, check_gradient: Any) -> None:
    def both(*arrays: Any) -> Any:
        return mx.nd.add_n(*RegionLoss()(*arrays))

    check_gradient(both, lambda *arrays: sum(reference(*arrays)), make(sets), place)
