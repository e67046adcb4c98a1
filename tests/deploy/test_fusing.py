from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import numpy as np
import pytest

from toolkit.deploy.fusing import keep_apart

Symbol = mx.sym.Symbol


def conv(x: Symbol, name: str) -> Symbol:
    return mx.sym.Convolution(x, kernel=(3, 3), pad=(1, 1), num_filter=3, name=name)


def norm(x: Symbol, name: str) -> Symbol:
    return mx.sym.BatchNorm(x, fix_gamma=False, name=name)[0]


def relu(x: Symbol) -> Symbol:
    return mx.sym.Activation(x, act_type="relu")


def pre_activation(x: Symbol) -> Symbol:
    x = conv(x, "stem")
    y = conv(relu(conv(relu(x), "first")), "second")
    return y + x


def pre_activation_with_norm(x: Symbol) -> Symbol:
    x = conv(x, "stem")
    y = conv(relu(norm(conv(relu(norm(x, "n1")), "first"), "n2")), "second")
    return relu(y + x)


def sums_in_a_row(x: Symbol) -> Symbol:
    x = conv(x, "stem")
    x = conv(relu(x), "first") + x
    return conv(relu(x), "second") + x


def all_features(x: Symbol) -> Symbol:
    y = conv(x, "first")
    z = norm(y, "norm")
    return mx.sym.Group([y, z, relu(z)])


def dropped_output(x: Symbol) -> Symbol:
    y = norm(conv(x, "first"), "norm")
    return mx.sym.Group([relu(y), mx.sym.Dropout(y), mx.sym.identity(y)])


def dense_output(x: Symbol) -> Symbol:
    y = mx.sym.FullyConnected(x, num_hidden=4, name="dense")
    return mx.sym.Group([y, relu(y), mx.sym.exp(y)])


def norm_output(x: Symbol) -> Symbol:
    y = norm(x, "norm")
    return mx.sym.Group([y, relu(y)])


RISKY = [
    *(pre_activation, pre_activation_with_norm, sums_in_a_row, all_features),
    *(dropped_output, dense_output, norm_output),
]


def run(symbol: Symbol, values: dict[str, mx.nd.NDArray]) -> list[np.ndarray]:
    outputs = mx.nd.CachedOp(symbol)(*[values[name] for name in symbol.list_inputs()])
    return [o.asnumpy() for o in (outputs if isinstance(outputs, list) else [outputs])]


def values_for(symbol: Symbol) -> tuple[dict[str, mx.nd.NDArray], dict[str, mx.nd.NDArray]]:
    rng = np.random.default_rng(0)
    shapes, _, states = symbol.infer_shape(data=(2, 3, 6, 6))
    args = {
        n: mx.nd.array(rng.uniform(-0.5, 0.5, s))
        for n, s in zip(symbol.list_arguments(), shapes, strict=True)
    }
    aux = {
        n: mx.nd.array(rng.uniform(0.5, 1, s))
        for n, s in zip(symbol.list_auxiliary_states(), states, strict=True)
    }
    return args, aux


@pytest.mark.parametrize("network", RISKY)
def test_fused_results_are_right(network: Callable[[Symbol], Symbol]) -> None:
    symbol = network(mx.sym.var("data"))
    args, aux = values_for(symbol)
    wanted = run(symbol, {**args, **aux})
    apart = keep_apart(symbol)
    assert apart.list_inputs() == symbol.list_inputs()
    for found in (apart, apart.optimize_for("MKLDNN", args, aux, mx.cpu())):
        for ours, theirs in zip(run(found, {**args, **aux}), wanted, strict=True):
            np.testing.assert_allclose(ours, theirs, 1e-4, 1e-5)


@pytest.mark.parametrize("network", RISKY)
def test_the_executor_of_the_c_predict_api_is_right(network: Callable[[Symbol], Symbol]) -> None:
    symbol = network(mx.sym.var("data"))
    args, aux = values_for(symbol)
    executor = keep_apart(symbol).simple_bind(mx.cpu(), data=(2, 3, 6, 6), grad_req="null")
    executor.copy_params_from({k: v for k, v in args.items() if k != "data"}, aux)
    found = executor.forward(is_train=False, data=args["data"])
    for ours, theirs in zip(found, run(symbol, {**args, **aux}), strict=True):
        np.testing.assert_allclose(ours.asnumpy(), theirs, 1e-4, 1e-5)


def test_a_mended_graph_needs_no_mending() -> None:
    apart = keep_apart(all_features(mx.sym.var("data")))
    assert keep_apart(apart) is apart


def test_chains_without_other_users_stay_whole() -> None:
    x = relu(norm(conv(mx.sym.var("data"), "stem"), "n0"))
    y = relu(norm(conv(x, "first"), "n1") + x)
    assert keep_apart(y) is y
    names = mx.sym.Group([y, mx.sym.Pooling(x, kernel=(2, 2))])
    assert keep_apart(names) is names


def test_operators_with_several_results() -> None:
    parts = mx.sym.split(conv(mx.sym.var("data"), "first"), num_outputs=3)
    norms = mx.sym.BatchNorm(parts[1], fix_gamma=False, output_mean_var=True, name="norm")
    symbol = mx.sym.Group([norms[0], relu(norms[0]), norms[1], parts[2]])
    apart = keep_apart(symbol)
    assert apart.list_outputs()[2:] == symbol.list_outputs()[2:]
    args, aux = values_for(symbol)
    for ours, theirs in zip(run(apart, {**args, **aux}), run(symbol, {**args, **aux}), strict=True):
        assert np.array_equal(ours, theirs)
