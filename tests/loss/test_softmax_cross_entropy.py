"""Softmax cross-entropy against its formula in NumPy, and its gradient by finite differences."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd

from toolkit.loss import SoftmaxCrossEntropyLoss


def reference(scores: np.ndarray, labels: np.ndarray, smoothing: float) -> np.ndarray:
    shifted = scores - scores.max(1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    target = np.full(scores.shape, smoothing / scores.shape[1])
    target[np.arange(len(labels)), labels] += 1 - smoothing
    return -(target * logs).sum(1)


@pytest.fixture
def batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(6, 5)).astype(np.float32) * 3, rng.integers(0, 5, 6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("hybridize", [False, True])
def test_equals_the_formula(batch, smoothing, hybridize):
    scores, labels = batch
    loss = SoftmaxCrossEntropyLoss(smoothing)
    if hybridize:
        loss.hybridize()
    value = loss(mx.nd.array(scores), mx.nd.array(labels))
    np.testing.assert_allclose(
        value.asscalar(), reference(scores, labels, smoothing).mean(), rtol=1e-5
    )


@pytest.mark.parametrize("dtype", ["float32", "int32", "int64"])
def test_ignored_samples_count_nothing(batch, dtype):
    scores, labels = batch
    labels[[1, 4]] = 2
    loss = SoftmaxCrossEntropyLoss(0.1, ignore=2)
    value = loss(mx.nd.array(scores), mx.nd.array(labels, dtype=dtype)).asscalar()
    kept = labels != 2
    np.testing.assert_allclose(value, reference(scores[kept], labels[kept], 0.1).mean(), rtol=1e-5)


def test_all_ignored_is_zero_not_nan(batch):
    scores, labels = batch
    loss = SoftmaxCrossEntropyLoss(ignore=3)
    assert loss(mx.nd.array(scores), mx.nd.array(np.full_like(labels, 3))).asscalar() == 0


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_gradient_equals_finite_differences(batch, smoothing):
    scores, labels = batch
    x = mx.nd.array(scores)
    x.attach_grad()
    loss = SoftmaxCrossEntropyLoss(smoothing)
    with autograd.record():
        value = loss(x, mx.nd.array(labels))
    value.backward()
    step = 1e-4
    numeric = np.zeros_like(scores, dtype=np.float64)
    for index in np.ndindex(*scores.shape):
        moved = scores.astype(np.float64)
        moved[index] += step
        up = reference(moved, labels, smoothing).mean()
        moved[index] -= 2 * step
        numeric[index] = (up - reference(moved, labels, smoothing).mean()) / (2 * step)
    np.testing.assert_allclose(x.grad.asnumpy(), numeric, atol=1e-5)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, 2])
def test_smoothing_out_of_range_is_refused(smoothing):
    with pytest.raises(ValueError, match=r"smoothing must be in \[0, 1\)"):
        SoftmaxCrossEntropyLoss(smoothing)
