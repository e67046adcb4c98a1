from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.nn import causal_bias, padding_bias
from toolkit.nn.masks import FORBIDDEN


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_padding_is_forbidden_to_every_query_and_head(dtype: str) -> None:
    tokens = mx.nd.zeros((3, 4), dtype=dtype)
    bias = padding_bias(mx.nd, tokens, mx.nd.array([4, 2, 1], dtype=dtype), 2).asnumpy()
    assert bias.shape == (3, 2, 4, 4)
    rows = np.array([[0, 0, 0, 0], [0, 0, 1, 1], [0, 1, 1, 1]]) * np.float32(FORBIDDEN)
    np.testing.assert_array_equal(bias, np.broadcast_to(rows[:, None, None], bias.shape))


def test_what_comes_later_is_forbidden() -> None:
    bias = causal_bias(mx.nd, mx.nd.zeros((2, 3), dtype="int32")).asnumpy()
    assert bias.shape == (1, 1, 3, 3)
    np.testing.assert_array_equal(bias[0, 0] == np.float32(FORBIDDEN), np.triu(np.ones((3, 3)), 1))
    np.testing.assert_array_equal(bias[0, 0] == 0, np.tril(np.ones((3, 3))))


def test_what_is_forbidden_has_no_weight_at_all() -> None:
    scores = mx.nd.array([[30.0, -50.0, 80.0]])
    bias = mx.nd.array([[0, 0, FORBIDDEN]])
    weights = mx.nd.softmax(scores + bias).asnumpy()
    assert weights[0, 2] == 0
    np.testing.assert_array_equal(weights[0, :2], mx.nd.softmax(scores[:, :2]).asnumpy()[0])


def test_causal_bias_knows_what_was_read_before() -> None:
    found = causal_bias(mx.nd, mx.nd.zeros((1, 2)), mx.nd.zeros((1, 5))).asnumpy()
    np.testing.assert_array_equal(found[0, 0] < 0, [[False] * 4 + [True], [False] * 5])


def test_other_queries_may_ask() -> None:
    memory, queries = mx.nd.zeros((2, 3, 8)), mx.nd.zeros((2, 4))
    bias = padding_bias(mx.nd, memory, mx.nd.array([1, 3]), 2, queries=queries).asnumpy()
    assert bias.shape == (2, 2, 4, 3)
    np.testing.assert_array_equal(bias[0] < 0, np.tile([False, True, True], (2, 4, 1)))
    np.testing.assert_array_equal(bias[1], 0)


def test_a_window_forbids_what_is_far_behind() -> None:
    tokens, source = mx.nd.zeros((1, 3)), mx.nd.zeros((1, 5))
    bias = causal_bias(mx.nd, tokens, source, window=2).asnumpy()[0, 0]
    np.testing.assert_array_equal(bias == 0, [[0, 1, 1, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 1, 1]])
    assert bias.min() <= np.float32(FORBIDDEN)
