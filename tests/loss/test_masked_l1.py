"""Absolute error at some cells against its definition in NumPy."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd

from toolkit.loss import MaskedL1Loss

Case = tuple[np.ndarray, np.ndarray, np.ndarray]


def reference(values: np.ndarray, targets: np.ndarray, mask: np.ndarray) -> float:
    return np.nansum(np.abs(values - targets) * mask) / max(mask.sum(), 1)


@pytest.fixture
def case() -> Case:
    rng = np.random.default_rng(0)
    mask = (rng.uniform(size=(2, 1, 3, 4)) > 0.6).astype(np.float32)
    return rng.normal(size=(2, 2, 3, 4)), rng.normal(size=(2, 2, 3, 4)), mask


@pytest.mark.parametrize("hybridize", [False, True])
def test_equals_the_definition(case, hybridize):
    loss = MaskedL1Loss()
    if hybridize:
        loss.hybridize()
    found = loss(*map(mx.nd.array, case))
    assert found.shape == (1,)
    assert found.asscalar() == pytest.approx(reference(*case), rel=1e-5)


def test_gradient_equals_differences(case, check_gradient):
    check_gradient(MaskedL1Loss(), reference, case)


def test_what_is_not_in_the_mask_may_be_anything(case):
    values, targets, mask = case
    arrays = [mx.nd.array(a) for a in (values, np.where(mask > 0, targets, np.nan), mask)]
    arrays[0].attach_grad()
    with autograd.record():
        value = MaskedL1Loss()(*arrays)
    value.backward()
    assert value.asscalar() == pytest.approx(reference(*case), rel=1e-5)
    assert np.isfinite(arrays[0].grad.asnumpy()).all()


def test_no_cells_at_all(case):
    assert MaskedL1Loss()(*map(mx.nd.array, (*case[:2], case[2] * 0))).asscalar() == 0
