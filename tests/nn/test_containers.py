from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import numpy as np
from mxnet.gluon.nn import Conv2D, Dense, HybridLambda

from toolkit.nn import Branches, sequence

X = np.random.default_rng(1).normal(size=(3, 4)).astype("float32")


def test_blocks_run_one_after_the_other(same_everywhere: Callable) -> None:
    first, second = Dense(5, in_units=4), Dense(2, in_units=5)
    y = same_everywhere(sequence(first, second), X)
    np.testing.assert_array_equal(y, second(first(mx.nd.array(X))).asnumpy())


def test_parameters_are_found_by_position() -> None:
    chain = sequence(Dense(5, in_units=4), HybridLambda("relu"), Dense(2, in_units=5))
    assert list(chain._collect_params_with_prefix()) == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_branches_join_along_the_channels(same_everywhere: Callable) -> None:
    x = np.random.default_rng(2).normal(size=(2, 3, 5, 4)).astype("float32")
    first, second = Conv2D(4, 1, in_channels=3), HybridLambda("relu")
    y = same_everywhere(Branches(first, second), x)
    assert y.shape == (2, 7, 5, 4)
    np.testing.assert_allclose(y[:, :4], first(mx.nd.array(x)).asnumpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(y[:, 4:], np.maximum(x, 0))
