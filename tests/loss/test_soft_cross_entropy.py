"""Cross-entropy of soft targets against its formula, the one of labels, and finite differences."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd

from toolkit.loss import SoftCrossEntropyLoss, SoftmaxCrossEntropyLoss


def reference(scores: np.ndarray, targets: np.ndarray, smoothing: float) -> float:
    logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    smooth = (1 - smoothing) * targets + smoothing / scores.shape[1]
    return float(-(smooth * logs).sum(1).mean())


@pytest.fixture
def batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    targets = rng.dirichlet(np.ones(5), 6)
    return rng.normal(size=(6, 5)).astype(np.float32) * 3, targets.astype(np.float32)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("hybridize", [False, True])
def test_equals_the_formula(batch, smoothing, hybridize):
    loss = SoftCrossEntropyLoss(smoothing)
    if hybridize:
        loss.hybridize()
    value = loss(*map(mx.nd.array, batch)).asscalar()
    np.testing.assert_allclose(value, reference(*batch, smoothing), rtol=1e-5)


def test_of_pure_targets_it_is_the_loss_of_labels(batch):
    scores, labels = mx.nd.array(batch[0]), np.arange(6) % 5
    soft = SoftCrossEntropyLoss(0.1)(scores, mx.nd.array(np.eye(5)[labels])).asscalar()
    hard = SoftmaxCrossEntropyLoss(0.1)(scores, mx.nd.array(labels)).asscalar()
    np.testing.assert_allclose(soft, hard, rtol=1e-6)


def test_gradient_equals_finite_differences(batch):
    scores, targets = batch
    x = mx.nd.array(scores)
    x.attach_grad()
    with autograd.record():
        value = SoftCrossEntropyLoss(0.2)(x, mx.nd.array(targets))
    value.backward()
    step = 1e-4
    numeric = np.zeros(scores.shape)
    for index in np.ndindex(*scores.shape):
        moved = scores.astype(np.float64)
        moved[index] += step
        up = reference(moved, targets, 0.2)
        moved[index] -= 2 * step
        numeric[index] = (up - reference(moved, targets, 0.2)) / (2 * step)
    np.testing.assert_allclose(x.grad.asnumpy(), numeric, atol=1e-5)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_smoothing_out_of_range_is_refused(smoothing):
    with pytest.raises(ValueError, match=r"smoothing must be in \[0, 1\)"):
        SoftCrossEntropyLoss(smoothing)
