"""Distillation against its formula, its limits, and its gradient by finite differences."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd

from toolkit.loss import DistillationLoss, SoftCrossEntropyLoss, SoftmaxCrossEntropyLoss


def log_softmax(scores: np.ndarray) -> np.ndarray:
    return scores - np.log(np.exp(scores).sum(1, keepdims=True))


def reference(scores, labels, teacher, temperature: float, weight: float) -> float:
    hard = -log_softmax(scores)[np.arange(len(labels)), labels].mean()
    wanted = log_softmax(teacher / temperature)
    divergence = (np.exp(wanted) * (wanted - log_softmax(scores / temperature))).sum(1).mean()
    return float(weight * hard + (1 - weight) * temperature**2 * divergence)


@pytest.fixture
def batch() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    scores, teacher = rng.normal(size=(2, 6, 5)).astype(np.float32) * 3
    return scores, rng.integers(0, 5, 6), teacher


@pytest.mark.parametrize(("temperature", "weight"), [(1.0, 0.5), (4.0, 0.1), (20.0, 0.9)])
@pytest.mark.parametrize("hybridize", [False, True])
def test_equals_the_formula(batch, temperature, weight, hybridize):
    loss = DistillationLoss(temperature=temperature, hard_weight=weight)
    if hybridize:
        loss.hybridize()
    value = loss(*map(mx.nd.array, batch)).asscalar()
    np.testing.assert_allclose(value, reference(*batch, temperature, weight), rtol=1e-4)


def test_of_one_mind_with_the_teacher_only_labels_are_left(batch):
    scores, labels, _ = map(mx.nd.array, batch)
    hard = SoftmaxCrossEntropyLoss()(scores, labels).asscalar()
    value = DistillationLoss(hard_weight=0.25)(scores, labels, scores).asscalar()
    np.testing.assert_allclose(value, 0.25 * hard, rtol=1e-5)


def test_another_loss_of_the_labels(batch):
    scores, labels, teacher = batch
    soft = DistillationLoss(SoftCrossEntropyLoss(), hard_weight=1.0)
    value = soft(mx.nd.array(scores), mx.nd.array(np.eye(5)[labels]), mx.nd.array(teacher))
    np.testing.assert_allclose(value.asscalar(), reference(*batch, 1.0, 1.0), rtol=1e-5)


def test_gradient_equals_finite_differences_and_spares_the_teacher(batch):
    scores, labels, teacher = batch
    x, t = mx.nd.array(scores), mx.nd.array(teacher)
    for array in (x, t):
        array.attach_grad()
    with autograd.record():
        value = DistillationLoss(temperature=3.0, hard_weight=0.3)(x, mx.nd.array(labels), t)
    value.backward()
    step = 1e-4
    numeric = np.zeros(scores.shape)
    for index in np.ndindex(*scores.shape):
        moved = scores.astype(np.float64)
        moved[index] += step
        up = reference(moved, labels, teacher, 3.0, 0.3)
        moved[index] -= 2 * step
        numeric[index] = (up - reference(moved, labels, teacher, 3.0, 0.3)) / (2 * step)
    np.testing.assert_allclose(x.grad.asnumpy(), numeric, atol=1e-4)
    assert not t.grad.asnumpy().any()


def test_out_of_range_is_refused():
    with pytest.raises(ValueError, match="temperature must be above 0, got 0"):
        DistillationLoss(temperature=0)
    with pytest.raises(ValueError, match=r"hard_weight must be in \[0, 1\], got 1.5"):
        DistillationLoss(hard_weight=1.5)
