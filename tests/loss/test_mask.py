"""The loss of masks against its definition in NumPy, and by finite differences."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd

from toolkit.loss import MaskLoss

Batch = tuple[np.ndarray, ...]


def reference(scores: np.ndarray, classes: np.ndarray, targets: np.ndarray) -> float:
    losses = []
    for place in zip(*np.nonzero(classes > 0), strict=True):
        prob = 1 / (1 + np.exp(-scores[place][int(classes[place]) - 1]))
        wanted = targets[place]
        losses.append(-(wanted * np.log(prob) + (1 - wanted) * np.log(1 - prob)).mean())
    return float(np.mean(losses)) if losses else 0.0


@pytest.fixture
def batch() -> Batch:
    rng = np.random.default_rng(0)
    classes = np.array([[1, 3, 0], [2, -1, 1]], float)
    return 2 * rng.normal(size=(2, 3, 3, 4, 4)), classes, rng.random((2, 3, 4, 4))


def run(batch: Batch) -> float:
    return float(MaskLoss()(*map(mx.nd.array, batch)).asscalar())


def test_equals_the_definition(batch: Batch) -> None:
    assert run(batch) == pytest.approx(reference(*batch), rel=1e-5)


def test_regions_without_a_class_count_nothing(batch: Batch) -> None:
    expected = run(batch)
    batch[2][batch[1] <= 0] = np.nan
    assert run(batch) == expected
    batch[1][:] = 0
    assert run(batch) == 0


def test_the_gradient_is_that_of_finite_differences(batch: Batch) -> None:
    arrays = [mx.nd.array(part) for part in batch]
    arrays[0].attach_grad()
    with autograd.record():
        loss = MaskLoss()(*arrays)
    loss.backward()
    gradient = arrays[0].grad.asnumpy()
    for index in [(0, 0, 0, 1, 2), (0, 1, 2, 3, 3), (1, 0, 1, 0, 0), (1, 2, 0, 2, 1)]:
        step, values = 1e-4, []
        for sign in (1, -1):
            scores = batch[0].copy()
            scores[index] += sign * step
            values.append(reference(scores, *batch[1:]))
        slope = (values[0] - values[1]) / (2 * step)
        assert gradient[index] == pytest.approx(slope, abs=1e-5)
        assert slope != 0
    assert gradient[0, 0, 1].any() == 0  # of another class
