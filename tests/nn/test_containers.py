from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import numpy as np
from mxnet.gluon.nn import Dense, HybridLambda

from toolkit.nn import sequence

X = np.random.default_rng(1).normal(size=(3, 4)).astype("float32")


def test_blocks_run_one_after_the_other(same_everywhere: Callable) -> None:
    first, second = Dense(5, in_units=4), Dense(2, in_units=5)
    y = same_everywhere(sequence(first, second), X)
    np.testing.assert_array_equal(y, second(first(mx.nd.array(X))).asnumpy())


def test_parameters_are_found_by_position() -> None:
    chain = sequence(Dense(5, in_units=4), HybridLambda("relu"), Dense(2, in_units=5))
    assert list(chain._collect_params_with_prefix()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
