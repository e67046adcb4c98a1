"""Losses equal GluonCV's on the same predictions and targets."""

from __future__ import annotations

from types import ModuleType

import mxnet as mx
import numpy as np
import pytest

from toolkit.loss import MultiBoxLoss


@pytest.mark.parity
@pytest.mark.parametrize("objects", [0, 25])
def test_multibox(gluoncv: ModuleType, objects: int) -> None:
    rng = np.random.default_rng(0)
    scores, codes, targets = (mx.nd.array(rng.normal(size=(4, 500, size))) for size in (21, 4, 4))
    classes = np.zeros((4, 500))
    classes[:3, :objects] = rng.integers(1, 21, (3, objects))
    classes = mx.nd.array(classes)
    total, _, _ = gluoncv.loss.SSDMultiBoxLoss()(scores, codes, classes, targets)
    value = MultiBoxLoss()(scores, codes, classes, targets).asscalar()
    assert (value > 0) == (objects > 0)
    np.testing.assert_allclose(value, total[0].sum().asscalar(), rtol=1e-5)
