"""Gradients of losses against differences of their definitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd

STEP = 1e-5
Check = Callable[..., None]


def check_gradient(
    loss: Any, reference: Callable[..., float], arrays: Sequence[np.ndarray], place: int = 0
) -> None:
    """The gradient of ``loss`` by one of its arrays is that of ``reference``, in float64."""
    given = [mx.nd.array(array) for array in arrays]
    given[place].attach_grad()
    with autograd.record():
        value = loss(*given)
    value.backward()
    exact = [np.asarray(array, np.float64) for array in arrays]
    numeric = np.zeros_like(exact[place])
    for index in np.ndindex(*numeric.shape):
        ends = []
        for sign in (1, -1):
            moved = [array.copy() for array in exact]
            moved[place][index] += sign * STEP
            ends.append(reference(*moved))
        numeric[index] = (ends[0] - ends[1]) / (2 * STEP)
    assert np.abs(numeric).max() > 1e-3
    np.testing.assert_allclose(given[place].grad.asnumpy(), numeric, rtol=1e-3, atol=1e-5)


@pytest.fixture(name="check_gradient")
def gradient_check() -> Check:
    return check_gradient
