"""Focal loss of classes against its definition in NumPy."""

from __future__ import annotations

from functools import partial

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd

from toolkit.loss import FocalLoss

Case = tuple[np.ndarray, np.ndarray]


def reference(
    scores: np.ndarray, classes: np.ndarray, *, gamma: float = 2.0, alpha: float = 0.25
) -> float:
    total = 0.0
    for image, anchor, class_ in np.ndindex(*scores.shape):
        if classes[image, anchor] < 0:
            continue
        prob = 1 / (1 + np.exp(-scores[image, anchor, class_]))
        own = classes[image, anchor] == class_ + 1
        right, weight = (prob, alpha) if own else (1 - prob, 1 - alpha)
        total -= weight * (1 - right) ** gamma * np.log(right)
    return total / max((classes > 0).sum(), 1)


@pytest.fixture
def case() -> Case:
    classes = np.array([[0, 1, 3, -1, 0], [0, 0, -1, 2, 3]])
    return np.random.default_rng(0).normal(0, 2, (2, 5, 3)), classes


OPTIONS = [{}, {"gamma": 0}, {"gamma": 0.5, "alpha": 0.6}]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("hybridize", [False, True])
def test_equals_the_definition(case, options, hybridize):
    loss = FocalLoss(**options)
    if hybridize:
        loss.hybridize()
    found = loss(*map(mx.nd.array, case))
    assert found.shape == (1,)
    assert found.asscalar() == pytest.approx(reference(*case, **options), rel=1e-5)


@pytest.mark.parametrize("options", OPTIONS)
def test_gradient_equals_differences(case, options, check_gradient):
    check_gradient(FocalLoss(**options), partial(reference, **options), case)


def test_without_objects_the_background_is_learned_from(case):
    empty = case[0], np.minimum(case[1], 0)
    found = FocalLoss()(*map(mx.nd.array, empty)).asscalar()
    assert found == pytest.approx(reference(*empty), rel=1e-5)
    assert found > 0


@pytest.mark.parametrize("options", OPTIONS)
def test_large_scores_have_finite_gradients(case, options):
    scores, classes = mx.nd.array(case[0] * 1e4), mx.nd.array(case[1])
    scores.attach_grad()
    with autograd.record():
        value = FocalLoss(**options)(scores, classes)
    value.backward()
    assert np.isfinite(value.asscalar())
    assert np.isfinite(scores.grad.asnumpy()).all()


@pytest.mark.parametrize("options", [{"gamma": -1}, {"alpha": 0}, {"alpha": 1.0}])
def test_errors(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        FocalLoss(**options)
