from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.utils.training.arrays import AT_ONCE, all_finite, in_chunks, set_to_zero, squared_norm

COUNT = 450  # more than any operator of MXNet takes at once


@pytest.fixture
def arrays() -> list[mx.nd.NDArray]:
    return [mx.nd.full((2, 1 + i % 3), i % 7) for i in range(COUNT)]


def test_chunks_are_all_of_it(arrays: list[mx.nd.NDArray]) -> None:
    chunks = list(in_chunks(arrays))
    assert max(map(len, chunks)) == AT_ONCE
    assert [array for chunk in chunks for array in chunk] == arrays


@pytest.mark.parametrize("place", [0, AT_ONCE, COUNT - 1])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_one_number_that_is_not_finite_is_found(
    place: int, value: float, arrays: list[mx.nd.NDArray]
) -> None:
    assert all_finite(arrays)
    arrays[place][0, 0] = value
    assert not all_finite(arrays)


def test_large_numbers_are_finite_whose_squares_are_not(arrays: list[mx.nd.NDArray]) -> None:
    arrays[1][:] = 1e30
    assert all_finite(arrays)


def test_the_norm_is_that_of_all(arrays: list[mx.nd.NDArray]) -> None:
    expected = sum((array.asnumpy() ** 2).sum() for array in arrays)
    assert squared_norm(arrays).asscalar() == pytest.approx(expected)


def test_little_of_a_norm_is_lost_to_rounding() -> None:
    many = [mx.nd.full((3000, 1000), 0.01), mx.nd.full((5,), 0.01, dtype="float64")]
    assert squared_norm(many[:1]).asscalar() == pytest.approx(300, rel=2e-3)
    assert squared_norm(many[1:]).asscalar() == pytest.approx(0.0005)


def test_all_are_set_to_zero(arrays: list[mx.nd.NDArray]) -> None:
    set_to_zero(arrays)
    assert not any(array.asnumpy().any() for array in arrays)
