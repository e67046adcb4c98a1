from __future__ import annotations

import math
from collections.abc import Callable

import mxnet as mx
import numpy as np
import pytest

from toolkit.nn.activation import HardSwish, ReLU6, activation

X = np.linspace(-4, 4, 24).reshape(2, 3, 4).astype("float32")
ERF = np.vectorize(math.erf)
FORMULAS = {
    "gelu": lambda x: x * (1 + ERF(x / 2**0.5)) / 2,
    "gelu_tanh": lambda x: x * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3))) / 2,
    "relu": lambda x: np.maximum(x, 0),
    "swish": lambda x: x / (1 + np.exp(-x)),
    "tanh": np.tanh,
}


@pytest.mark.parametrize("name", list(FORMULAS))
def test_it_is_the_formula(name: str, same_everywhere: Callable) -> None:
    y = same_everywhere(activation(name), X)
    np.testing.assert_allclose(y, FORMULAS[name](X.astype("float64")), rtol=1e-4, atol=1e-6)


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown activation 'gelo'; did you mean gelu"):
        activation("gelo")


def test_hard_swish_is_zero_below_and_the_identity_above() -> None:
    x = mx.nd.array([-4.0, -3.0, -1.5, 0.0, 1.5, 3.0, 4.0])
    expected = [0.0, 0.0, -0.375, 0.0, 1.125, 3.0, 4.0]
    np.testing.assert_allclose(HardSwish()(x).asnumpy(), expected, rtol=1e-6)


def test_relu6_cuts_at_both_ends() -> None:
    x = mx.nd.array([-1.0, 0.0, 3.5, 6.0, 7.0])
    np.testing.assert_array_equal(ReLU6()(x).asnumpy(), [0, 0, 3.5, 6, 6])
