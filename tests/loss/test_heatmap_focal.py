"""Focal loss of heat maps against its definition in NumPy."""

from __future__ import annotations

from functools import partial

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd

from toolkit.loss import HeatmapFocalLoss

Case = tuple[np.ndarray, np.ndarray]


def reference(
    scores: np.ndarray, targets: np.ndarray, *, alpha: float = 2.0, beta: float = 4.0
) -> float:
    total = 0.0
    for place in np.ndindex(*scores.shape):
        prob, target = 1 / (1 + np.exp(-scores[place])), targets[place]
        if target == 1:
            total -= (1 - prob) ** alpha * np.log(prob)
        else:
            total -= (1 - target) ** beta * prob**alpha * np.log(1 - prob)
    return total / max((targets == 1).sum(), 1)


@pytest.fixture
def case() -> Case:
    rng = np.random.default_rng(0)
    targets = rng.uniform(0, 0.9, (2, 2, 3, 4)) * rng.integers(0, 2, (2, 2, 3, 4))
    targets[0, 0, 1, 2] = targets[1, 1, 0, 0] = 1
    return rng.normal(0, 2, targets.shape), targets


OPTIONS = [{}, {"alpha": 0}, {"alpha": 1.5, "beta": 0}]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("hybridize", [False, True])
def test_equals_the_definition(case, options, hybridize):
    loss = HeatmapFocalLoss(**options)
    if hybridize:
        loss.hybridize()
    found = loss(*map(mx.nd.array, case))
    assert found.shape == (1,)
    assert found.asscalar() == pytest.approx(reference(*case, **options), rel=1e-5)


@pytest.mark.parametrize("options", OPTIONS)
def test_gradient_equals_differences(case, options, check_gradient):
    check_gradient(HeatmapFocalLoss(**options), partial(reference, **options), case)


def test_maps_without_points(case):
    empty = case[0], case[1] * 0.5
    found = HeatmapFocalLoss()(*map(mx.nd.array, empty)).asscalar()
    assert found == pytest.approx(reference(*empty), rel=1e-5)


def test_large_scores_have_finite_gradients(case):
    scores, targets = mx.nd.array(case[0] * 1e4), mx.nd.array(case[1])
    scores.attach_grad()
    with autograd.record():
        value = HeatmapFocalLoss()(scores, targets)
    value.backward()
    assert np.isfinite(value.asscalar())
    assert np.isfinite(scores.grad.asnumpy()).all()


@pytest.mark.parametrize("options", [{"alpha": -1}, {"beta": -0.5}])
def test_errors(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        HeatmapFocalLoss(**options)
