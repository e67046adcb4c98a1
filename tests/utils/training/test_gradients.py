from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from mxnet.gluon import nn

from toolkit.model_zoo import get_model
from toolkit.utils.training.gradients import (
    layer_norm,
    quick_gradients,
    with_quick_gradients,
)
from toolkit.utils.training.graphs import nodes_of
from toolkit.utils.training.precision import reduced, with_casts

CPU = (mx.cpu(),)


def operators(symbol: mx.sym.Symbol) -> Counter[str]:
    return Counter(node["op"] for node in nodes_of(symbol)["nodes"])


def results(net: nn.HybridBlock, *inputs: mx.nd.NDArray) -> list[np.ndarray]:
    """Outputs in training, those in prediction, and all gradients."""
    with autograd.record():
        outputs = net(*inputs)
    # The sum of the squares of what is normalized would say nothing: it is always the same.
    outputs.backward(mx.nd.array(np.random.default_rng(1).normal(size=outputs.shape)))
    params = net._collect_params_with_prefix().values()
    grads = [param.grad().asnumpy() for param in params]
    return [outputs.asnumpy(), *(net(*inputs).asnumpy() for _ in range(3)), *grads]


def assert_close(found: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert np.abs(one - other).max() <= 1e-5 * np.abs(other).max()


@pytest.mark.parametrize("shape", [(5, 16), (2, 7, 16), (2, 3, 4, 16)])
@pytest.mark.parametrize("epsilon", [1e-5, 1e-12])
def test_the_parts_are_the_operator(shape: tuple[int, ...], epsilon: float) -> None:
    found = []
    for function in (layer_norm, lambda F, *arrays: F.LayerNorm(*arrays[:3], eps=arrays[3])):
        rng = np.random.default_rng(0)
        arrays = [mx.nd.array(rng.normal(1, 2, size)) for size in (shape, 16, 16)]
        for array in arrays:
            array.attach_grad()
        with autograd.record():
            y = function(mx.nd, *arrays, epsilon)
        y.backward(mx.nd.array(rng.normal(size=shape)))
        found.append([y.asnumpy(), *(array.grad.asnumpy() for array in arrays)])
    assert_close(*found)


@pytest.mark.parametrize("static", [False, True])
def test_a_network_computes_the_same(static: bool) -> None:
    net = nn.HybridSequential()
    net.add(nn.Dense(32, flatten=False, in_units=8), nn.LayerNorm(in_channels=32))
    net.add(nn.Dense(32, flatten=False, in_units=32), nn.LayerNorm(in_channels=32, epsilon=1e-3))
    net.initialize(mx.init.Xavier())
    net.hybridize(static_alloc=static, static_shape=static)
    x = mx.nd.array(np.random.default_rng(0).normal(size=(4, 6, 8)))
    expected = results(net, x)
    with quick_gradients(net, CPU):
        assert_close(results(net, x), expected)
        assert_close(results(net, x), expected)
    assert_close(results(net, x), expected)


def test_every_normalization_of_an_encoder_is_found() -> None:
    net = get_model("bert_12_768_12")
    symbol = net(*(mx.sym.Variable(name) for name in ("tokens", "segments", "lengths")))
    before, after = operators(symbol), operators(with_quick_gradients(symbol))
    assert before["LayerNorm"] == 25
    assert after["LayerNorm"] == 0
    assert after["FullyConnected"] == before["FullyConnected"]
    assert with_quick_gradients(symbol).list_arguments() == symbol.list_arguments()


def test_parts_stay_float32_in_a_network_of_low_precision() -> None:
    net = nn.HybridSequential()
    net.add(nn.Dense(4, flatten=False, in_units=4), nn.LayerNorm(in_channels=4))
    symbol = net(mx.sym.Variable("x"))
    casts = operators(with_casts(symbol, "float16"))["amp_cast"]
    assert operators(with_quick_gradients(with_casts(symbol, "float16")))["amp_cast"] == casts
    net.initialize()
    net.hybridize()
    with reduced(net, "float16", CPU), quick_gradients(net, CPU):
        assert net(mx.nd.ones((2, 4))).dtype == np.float32


@pytest.mark.parametrize("options", [{"axis": 1}, {"output_mean_var": True}])
def test_other_normalizations_are_left_alone(options: dict[str, int]) -> None:
    symbol = mx.sym.LayerNorm(*(mx.sym.Variable(name) for name in "xgb"), **options)
    assert operators(with_quick_gradients(mx.sym.Group(list(symbol))))["LayerNorm"] == 1


def test_gpus_compute_as_ever() -> None:
    net = nn.LayerNorm(in_channels=4)
    with quick_gradients(net, [mx.gpu(0)]):
        assert "_get_graph" not in vars(net)
