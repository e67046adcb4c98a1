"""The error of heat maps against its definition in NumPy, and Gluon's."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from mxnet.gluon.loss import L2Loss

from toolkit.loss import HeatmapMSELoss

Case = tuple[np.ndarray, np.ndarray, np.ndarray]


def reference(maps: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> float:
    """The sum over pictures."""
    error = weights[..., None, None] * (maps - targets) ** 2
    return error.mean((1, 2, 3)).sum() / 2


@pytest.fixture
def case() -> Case:
    rng = np.random.default_rng(0)
    weights = np.array([[1, 0, 0.5], [1, 1, 0]])
    return rng.normal(size=(2, 3, 4, 2)), rng.normal(size=(2, 3, 4, 2)), weights


@pytest.mark.parametrize("hybridize", [False, True])
def test_equals_the_definition(case: Case, hybridize: bool) -> None:
    loss = HeatmapMSELoss()
    loss.hybridize(hybridize)
    maps, targets, weights = map(mx.nd.array, case)
    found = loss(maps, targets, weights)
    assert found.shape == (2,)
    assert found.sum().asscalar() == pytest.approx(reference(*case), rel=1e-5)
    gluon = L2Loss()(maps, targets, weights.reshape((2, 3, 1, 1)))
    np.testing.assert_allclose(found.asnumpy(), gluon.asnumpy(), rtol=1e-5)


def test_gradient_equals_differences(case: Case, check_gradient) -> None:
    check_gradient(HeatmapMSELoss(), reference, case)


def test_a_joint_without_weight_may_be_anywhere(case: Case) -> None:
    maps, targets, weights = case
    targets = np.where(weights[..., None, None] > 0, targets, np.nan)
    arrays = [mx.nd.array(array) for array in (maps, targets, weights)]
    arrays[0].attach_grad()
    with autograd.record():
        value = HeatmapMSELoss()(*arrays)
    value.backward()
    assert value.sum().asscalar() == pytest.approx(reference(*case), rel=1e-5)
    gradient = arrays[0].grad.asnumpy()
    assert (gradient[weights == 0] == 0).all()
    assert (gradient[weights > 0] != 0).all()
