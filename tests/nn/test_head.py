from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import numpy as np

from toolkit.nn import AdaptiveAvgPool, PooledLinearHead

X = np.random.default_rng(1).normal(size=(2, 4, 5, 3)).astype("float32")


def test_scores_are_a_dense_layer_on_the_means(same_everywhere: Callable) -> None:
    head = PooledLinearHead(4, 7)
    y = same_everywhere(head, X)
    weight, bias = (p.data().asnumpy() for p in (head.output.weight, head.output.bias))
    np.testing.assert_allclose(y, X.mean((2, 3)) @ weight.T + bias, rtol=1e-5, atol=1e-5)


def test_the_pooling_can_be_another(same_everywhere: Callable) -> None:
    usual = same_everywhere(PooledLinearHead(4, 7), X, seed=5)
    other = same_everywhere(PooledLinearHead(4, 7, pool=AdaptiveAvgPool()), X, seed=5)
    np.testing.assert_allclose(other, usual, rtol=1e-5, atol=1e-6)


def test_dropout_acts_in_training_alone(same_everywhere: Callable) -> None:
    head = PooledLinearHead(4, 7, dropout=0.5)
    y = same_everywhere(head, X)
    mx.random.seed(0)
    with mx.autograd.train_mode():
        trained = head(mx.nd.array(X)).asnumpy()
    assert not np.allclose(trained, y)
