from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.nn import SubwordVectors

NGRAMS = mx.nd.array([[[1, 4, -1], [-1, -1, -1]], [[6, 7, 8], [2, -1, -1]]])


@pytest.mark.parametrize("hybrid", [False, True])
def test_a_word_is_the_scaled_sum_of_its_ngrams(hybrid: bool) -> None:
    subwords = SubwordVectors(10, 4)
    subwords.initialize(mx.init.Normal(1))
    if hybrid:
        subwords.hybridize()
    found = subwords(NGRAMS).asnumpy()
    table = subwords.table.weight.data().asnumpy()
    expected = [
        [(table[1] + table[4]) / 2**0.5, np.zeros(4)],
        [table[6:9].sum(0) / 3**0.5, table[2]],
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("sparse", [False, True])
def test_gradients_reach_the_ngrams_that_are_there(sparse: bool) -> None:
    subwords = SubwordVectors(10, 1, sparse=sparse)
    subwords.initialize()
    subwords.hybridize()
    with mx.autograd.record():
        loss = subwords(NGRAMS).sum()
    loss.backward()
    grad = subwords.table.weight.grad()
    assert grad.stype == ("row_sparse" if sparse else "default")
    two, three = 1 / 2**0.5, 1 / 3**0.5
    expected = [0, two, 1, 0, two, 0, three, three, three, 0]
    np.testing.assert_allclose(grad.asnumpy()[:, 0], expected, rtol=1e-5)
