"""The loss of proposals against its definition in NumPy, and by finite differences."""

from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.loss import RegionProposalLoss

Batch = tuple[np.ndarray, ...]


def reference(scores: np.ndarray, codes: np.ndarray, *targets: np.ndarray) -> tuple[float, float]:
    classes, wanted = targets
    counted = max((classes >= 0).sum(), 1)
    prob = 1 / (1 + np.exp(-scores))
    entropy = -np.where(classes == 1, np.log(prob), np.log(1 - prob))[classes >= 0].sum()
    error = np.abs(codes - wanted)[classes == 1]
    smooth = np.where(error < 1 / 9, 4.5 * error**2, error - 1 / 18).sum()
    return entropy / counted, smooth / counted


@pytest.fixture
def batch() -> Batch:
    rng = np.random.default_rng(0)
    classes = rng.integers(-1, 2, (2, 12)).astype(float)
    scores = 2 * rng.normal(size=(2, 12))
    codes, targets = (0.3 * rng.normal(size=(2, 12, 4)) for _ in range(2))
    return scores, codes, classes, targets


def run(batch: Batch) -> list[float]:
    return [part.asscalar() for part in RegionProposalLoss()(*map(mx.nd.array, batch))]


def test_equals_the_definition(batch: Batch) -> None:
    np.testing.assert_allclose(run(batch), reference(*batch), rtol=1e-5)


def test_what_counts_nothing_may_be_anything(batch: Batch) -> None:
    expected = run(batch)
    batch[3][batch[2] != 1] = np.nan
    batch[0][batch[2] < 0] = 1e30
    assert run(batch) == expected


def test_a_batch_without_anchors_costs_nothing(batch: Batch) -> None:
    batch[2][:] = -1
    assert run(batch) == [0, 0]


@pytest.mark.parametrize("place", [0, 1], ids=["scores", "codes"])
def test_gradient_equals_differences(batch: Batch, place: int, check_gradient: Any) -> None:
    def both(*arrays: Any) -> Any:
        return mx.nd.add_n(*RegionProposalLoss()(*arrays))

    check_gradient(both, lambda *arrays: sum(reference(*arrays)), batch, place)
