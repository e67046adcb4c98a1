from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.nn import POOLS, TokenAttention, TokenMax, TokenMean, TokenSum, token_pool

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 4)).astype("float32")
LENGTHS = np.array([5, 2, 1], "float32")


def pooled(pool: mx.gluon.HybridBlock, x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    result: np.ndarray = pool(mx.nd.array(x), mx.nd.array(lengths)).asnumpy()
    return result


@pytest.mark.parametrize("name", POOLS)
def test_what_is_beyond_the_length_changes_nothing(name: str) -> None:
    pool = token_pool(name, 4)
    pool.initialize(mx.init.Normal(1))
    expected = pooled(pool, X, LENGTHS)
    assert expected.shape == (3, 4)
    other = X.copy()
    other[1, 2:], other[2, 1:] = 1e3, -1e3
    np.testing.assert_array_equal(pooled(pool, other, LENGTHS), expected)
    np.testing.assert_allclose(expected[2], X[2, 0], rtol=1e-6)
    pool.hybridize()
    np.testing.assert_allclose(pooled(pool, X, LENGTHS), expected, rtol=1e-6)


def test_the_mean_is_over_the_tokens_of_a_text() -> None:
    expected = np.stack([X[i, : int(n)].mean(0) for i, n in enumerate(LENGTHS)])
    np.testing.assert_allclose(pooled(TokenMean(), X, LENGTHS), expected, rtol=1e-5, atol=1e-6)
    assert not pooled(TokenMean(), X, LENGTHS * 0).any()


def test_the_sum_grows_with_the_root_of_the_number_of_tokens() -> None:
    expected = np.stack([X[i, : int(n)].sum(0) / np.sqrt(n) for i, n in enumerate(LENGTHS)])
    np.testing.assert_allclose(pooled(TokenSum(), X, LENGTHS), expected, rtol=1e-5, atol=1e-6)
    assert not pooled(TokenSum(), X, LENGTHS * 0).any()


def test_the_largest_is_one_of_the_text() -> None:
    below_zero = X - 10
    expected = np.stack([below_zero[i, : int(n)].max(0) for i, n in enumerate(LENGTHS)])
    np.testing.assert_array_equal(pooled(TokenMax(), below_zero, LENGTHS), expected)
    assert not pooled(TokenMax(), X, LENGTHS * 0).any()


def test_attention_weighs_as_the_query_finds_tokens() -> None:
    pool = TokenAttention(4, 6)
    pool.initialize(mx.init.Normal(1))
    weight, bias = (p.data().asnumpy() for p in (pool.transform.weight, pool.transform.bias))
    query = pool.query.weight.data().asnumpy()[0]
    scores = np.tanh(X[0] @ weight.T + bias) @ query
    weights = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(pooled(pool, X, LENGTHS)[0], weights @ X[0], rtol=1e-4, atol=1e-5)


def test_an_unknown_pool_is_refused() -> None:
    with pytest.raises(ValueError, match="attention"):
        token_pool("atention", 4)
