from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import numpy as np
from mxnet.gluon.nn import Activation, GlobalMaxPool2D

from toolkit.nn import ConvSqueezeExcitation, SqueezeExcitation

X = np.random.default_rng(1).normal(1, 1, size=(2, 8, 4, 4)).astype("float32")


def test_scales_each_channel_by_its_gate(same_everywhere: Callable) -> None:
    block = SqueezeExcitation(8, 3)
    y = same_everywhere(block, X)
    squeeze, excite = (b.weight.data().asnumpy() for b in (block.squeeze, block.excite))
    hidden = np.maximum(X.mean((2, 3)) @ squeeze.T, 0)
    gates = 1 / (1 + np.exp(-hidden @ excite.T))
    assert gates.std() > 0.01
    np.testing.assert_allclose(y, X * gates[:, :, None, None], rtol=1e-4, atol=1e-5)


def test_the_layer_in_between_has_the_size_it_is_given() -> None:
    params = SqueezeExcitation(8, 3)._collect_params_with_prefix()
    shapes = {key: param.shape for key, param in params.items()}
    assert shapes == {"squeeze.weight": (3, 8), "excite.weight": (8, 3)}


def test_convolutions_with_biases_make_the_gates(same_everywhere: Callable) -> None:
    block = ConvSqueezeExcitation(8, 3)
    y = same_everywhere(block, X)
    weights = {k: p.data().asnumpy() for k, p in block._collect_params_with_prefix().items()}
    assert set(weights) == {"squeeze.weight", "squeeze.bias", "excite.weight", "excite.bias"}
    hidden = X.mean((2, 3)) @ weights["squeeze.weight"][:, :, 0, 0].T + weights["squeeze.bias"]
    scores = np.maximum(hidden, 0) @ weights["excite.weight"][:, :, 0, 0].T
    gates = 1 / (1 + np.exp(-scores - weights["excite.bias"]))
    np.testing.assert_allclose(y, X * gates[:, :, None, None], rtol=1e-4, atol=1e-5)


def test_pooling_and_gate_can_be_given(same_everywhere: Callable) -> None:
    block = ConvSqueezeExcitation(8, 3, pool=GlobalMaxPool2D(), gate=Activation("tanh"))
    y = same_everywhere(block, X)
    scores = block.excite(block.act(block.squeeze(mx.nd.array(X.max((2, 3), keepdims=True)))))
    np.testing.assert_allclose(y, X * np.tanh(scores.asnumpy()), rtol=1e-4, atol=1e-5)
