from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import numpy as np

from toolkit.nn import AdaptiveAvgPool, HiddenLayersHead, PooledConvHead, PooledLinearHead

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


def test_a_convolution_scores_the_means(same_everywhere: Callable) -> None:
    head = PooledConvHead(4, 7)
    y = same_everywhere(head, X)
    weight, bias = (p.data().asnumpy() for p in (head.output.weight, head.output.bias))
    np.testing.assert_allclose(y, X.mean((2, 3)) @ weight[:, :, 0, 0].T + bias, atol=1e-5)
    assert PooledConvHead(4, 7, use_bias=False).output.bias is None


def test_hidden_layers_see_every_cell_of_the_grid(same_everywhere: Callable) -> None:
    head = HiddenLayersHead(4, 7, cells=3, units=6)
    x = np.random.default_rng(2).normal(size=(2, 4, 3, 3)).astype("float32")
    y = same_everywhere(head, x)
    for layer in (head.hidden[0], head.hidden[2], head.output):
        weight, bias = (p.data().asnumpy() for p in (layer.weight, layer.bias))
        last = x.reshape(2, -1) @ weight.T + bias
        x = np.maximum(last, 0)
    np.testing.assert_allclose(y, last, rtol=1e-4, atol=1e-5)
    assert head.hidden[0].weight.shape == (6, 36)


def test_hidden_layers_take_features_of_any_size(same_everywhere: Callable) -> None:
    assert same_everywhere(HiddenLayersHead(4, 7, cells=2, units=6), X).shape == (2, 7)
    assert same_everywhere(HiddenLayersHead(4, 7, cells=6, units=6), X).shape == (2, 7)
