from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.nn.relative_bias import RelativeBias, bounds_of_buckets


def bias_of(tokens: int, source: int, **options: Any) -> np.ndarray:
    """The bias of a block whose numbers are those of its buckets."""
    block = RelativeBias(2, **options)
    block.initialize()
    rows = np.arange(block.weight.shape[0], dtype="float32")
    block.weight.set_data(mx.nd.array(np.stack([rows, -rows], axis=1)))
    found: np.ndarray = block(mx.nd.zeros((1, tokens)), mx.nd.zeros((1, source))).asnumpy()
    assert found.shape == (1, 2, tokens, source)
    np.testing.assert_array_equal(found[0, 1], -found[0, 0])
    return found[0, 0]


def test_bounds_of_both_ways_are_t5s() -> None:
    expected = (*range(1, 9), 12, 16, 23, 32, 46, 64, 91)
    assert bounds_of_buckets(16, 128) == expected


def test_bounds_of_one_way_are_t5s() -> None:
    expected = (*range(1, 17), 19, 21, 24, 27, 31, 35, 40, 46, 52, 59, 67, 77, 87, 99, 113)
    assert bounds_of_buckets(32, 128) == expected


@pytest.mark.parametrize(("buckets", "longest"), [(8, 20), (16, 50), (64, 512), (5, 9)])
def test_bounds_are_those_of_the_logarithm(buckets: int, longest: int) -> None:
    """The definition in floating point, except where a rounding error decides."""
    bounds, exact = np.array(bounds_of_buckets(buckets, longest)), buckets // 2
    distances = np.arange(exact, 2 * longest)
    place = np.log(distances / exact) / np.log(longest / exact) * (buckets - exact)
    expected = np.minimum(exact + np.floor(place + 1e-9), buckets - 1)
    np.testing.assert_array_equal((distances[:, None] >= bounds).sum(1), expected)


def test_later_tokens_have_the_upper_half() -> None:
    found = bias_of(4, 4, buckets=8, longest=6)
    np.testing.assert_array_equal(found, [[0, 5, 6, 6], [1, 0, 5, 6], [2, 1, 0, 5], [2, 2, 1, 0]])


def test_one_way_later_tokens_are_as_near_as_can_be() -> None:
    found = bias_of(4, 4, buckets=4, longest=3, backward_only=True)
    np.testing.assert_array_equal(found, [[0, 0, 0, 0], [1, 0, 0, 0], [2, 1, 0, 0], [3, 2, 1, 0]])


def test_the_last_tokens_of_a_longer_source_ask() -> None:
    whole = bias_of(9, 9, backward_only=True)
    np.testing.assert_array_equal(bias_of(2, 9, backward_only=True), whole[7:])


class OfOneText(HybridBlock):
    """The bias of a text to itself."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = RelativeBias(4)

    def hybrid_forward(self, F: Any, tokens: Any) -> Any:
        return self.bias(tokens, tokens)


def test_it_is_the_same_everywhere(same_everywhere: Callable) -> None:
    assert same_everywhere(OfOneText(), np.zeros((2, 3), "float32")).shape == (1, 4, 3, 3)


@pytest.mark.parametrize(("buckets", "longest"), [(1, 10), (8, 4)])
def test_impossible_buckets_are_refused(buckets: int, longest: int) -> None:
    with pytest.raises(ValueError, match=f"got {buckets} and {longest}"):
        bounds_of_buckets(buckets, longest)
