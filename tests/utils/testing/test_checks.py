from __future__ import annotations

import numpy as np
import pytest
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense

from toolkit.utils.testing.checks import (
    build,
    check_names,
    check_parameters,
    random_images,
    require,
    require_close,
)


def test_parameters_have_names_and_shapes() -> None:
    first, second = (build(lambda: Dense(3, in_units=2)) for _ in range(2))
    with pytest.raises(AssertionError, match="names differ from one build to the next"):
        check_names(first, Dense(3, in_units=2))
    check_names(first, first)
    assert next(iter(first.collect_params())).startswith("contract_")
    check_parameters(second)
    assert np.isfinite(second.weight.data().asnumpy()).all()
    with pytest.raises(AssertionError, match=r"unknown before the first call: \['weight'\]"):
        check_parameters(Dense(3))
    with pytest.raises(AssertionError, match="there are no parameters"):
        check_parameters(HybridBlock())


def test_results_are_close_relative_to_the_largest() -> None:
    values, off = np.array([1000.0, 0.0]), np.array([0, 0.5])
    require_close(values, values + off, 1e-3, "this")
    with pytest.raises(AssertionError, match=r"this differs from eager by 5\.0e-04"):
        require_close(values, values + off, 1e-4, "this")
    with pytest.raises(AssertionError, match=r"this: \(2,\), eager \(1,\)"):
        require_close(values, values[:1], 1, "this")
    with pytest.raises(AssertionError, match="told"):
        require(False, "told")


def test_images_are_the_same_each_time() -> None:
    first, second = (random_images((1, 3, 4, 5)).asnumpy() for _ in range(2))
    assert first.shape == (1, 3, 4, 5)
    assert (first == second).all()
