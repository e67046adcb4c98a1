from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import mxnet as mx
import numpy as np
import pytest

from toolkit.deploy import folding
from toolkit.deploy.description import describe
from toolkit.deploy.folding import fold
from toolkit.deploy.fusing import keep_apart
from toolkit.deploy.graph import Graph
from toolkit.deploy.nodes import VARIABLE, Nodes
from toolkit.model_zoo import get_model, list_models, model_info

Symbol = mx.sym.Symbol
SHAPE = (2, 4, 8, 8)


def norm(x: Symbol, **options: object) -> Symbol:
    return mx.sym.BatchNorm(x, **{"fix_gamma": False, **options})[0]


def conv(x: Symbol, **options: object) -> Symbol:
    return mx.sym.Convolution(x, kernel=(3, 3), num_filter=8, **options)


def graph_of(symbol: Symbol, seed: int = 0) -> Graph:
    """The symbol with random parameters; running means and variances are no defaults."""
    rng = np.random.default_rng(seed)
    arguments, _, states = symbol.infer_shape(data=SHAPE)
    names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    arrays = {
        name: mx.nd.array(rng.uniform(-1 if len(shape) > 1 else 0.5, 1.5, shape))
        for name, shape in zip(names, [*arguments, *states], strict=True)
        if name != "data"
    }
    return Graph(keep_apart(symbol), ("data",), arrays)


def run(graph: Graph, data: np.ndarray) -> list[np.ndarray]:
    states = graph.symbol.list_auxiliary_states()
    values = {**graph.arrays, "data": mx.nd.array(data)}
    aux = {name: values.pop(name) for name in states}
    bound = graph.symbol.bind(mx.cpu(), values, aux_states=aux, grad_req="null")
    return [output.asnumpy() for output in bound.forward(is_train=False)]


def operators(graph: Graph) -> Counter[str]:
    return Counter(node.op for node in Nodes.of(graph.symbol) if node.op != VARIABLE)


def assert_same(graph: Graph, shape: tuple[int, ...] = SHAPE) -> Graph:
    folded = fold(graph)
    data = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    for left, right in zip(run(folded, data), run(graph, data), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-5 * np.abs(right).max())
    return folded


CHAINS: dict[str, Callable[[Symbol], Symbol]] = {
    "convolution": lambda x: norm(conv(x)),
    "without a bias": lambda x: norm(conv(x, no_bias=True)),
    "in groups": lambda x: norm(conv(x, num_group=2)),
    "gamma is one": lambda x: norm(conv(x), fix_gamma=True, eps=0.1),
    "two in a row": lambda x: norm(norm(conv(x))),
    "dropout between": lambda x: norm(mx.sym.Dropout(conv(x))),
    "transposed": lambda x: norm(mx.sym.Deconvolution(x, kernel=(2, 2), num_filter=6, num_group=2)),
    "dense": lambda x: norm(mx.sym.FullyConnected(x, num_hidden=5)),
    "dense on the last axis": lambda x: norm(
        mx.sym.FullyConnected(x, num_hidden=5, flatten=False), axis=-1
    ),
}


@pytest.mark.parametrize("name", CHAINS)
def test_a_norm_becomes_part_of_the_layer_before_it(name: str) -> None:
    folded = assert_same(graph_of(CHAINS[name](mx.sym.var("data"))))
    assert operators(folded)["BatchNorm"] == 0
    assert sum(operators(folded).values()) == 1


def shared_result(x: Symbol) -> Symbol:
    y = conv(x)
    return mx.sym.Group([norm(y), y])


def before_the_layer(x: Symbol) -> Symbol:
    return conv(mx.sym.Activation(norm(x), act_type="relu"))


@pytest.mark.parametrize("make", [shared_result, before_the_layer])
def test_a_norm_that_cannot_be_folded_stays(make: Callable[[Symbol], Symbol]) -> None:
    assert operators(assert_same(graph_of(make(mx.sym.var("data")))))["BatchNorm"] == 1


def test_a_norm_along_another_axis_stays() -> None:
    graph = graph_of(norm(conv(mx.sym.var("data")), axis=3))
    assert operators(fold(graph))["BatchNorm"] == 1


def test_layers_that_share_a_weight_are_folded_each_by_itself() -> None:
    x, weight, bias = mx.sym.var("data"), mx.sym.var("w"), mx.sym.var("b")
    left = norm(conv(x, weight=weight, bias=bias), name="left")
    right = norm(conv(x * 2, weight=weight, bias=bias), name="right")
    folded = assert_same(graph_of(left + right))
    assert operators(folded)["BatchNorm"] == 0
    assert len(folded.arrays) == 4


def test_what_depends_on_parameters_alone_is_computed_once() -> None:
    x, weight = mx.sym.var("data"), mx.sym.var("w", shape=(8, 4, 3, 3))
    standard = mx.sym.broadcast_sub(weight, mx.sym.mean(weight, axis=(1, 2, 3), keepdims=True))
    offset = mx.sym.reshape(mx.sym.arange(8), shape=(1, 8, 1, 1))
    folded = assert_same(graph_of(mx.sym.broadcast_add(conv(x, weight=standard), offset)))
    assert operators(folded) == {"Convolution": 1, "broadcast_add": 1}


def test_a_constant_is_stored_if_it_is_small_or_no_larger_than_what_it_is_made_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(folding, "LARGEST", 100)
    x, weight = mx.sym.var("data"), mx.sym.var("w", shape=(8, 4, 3, 3))
    turned = mx.sym.reverse(weight, axis=0)
    assert "reverse" not in operators(assert_same(graph_of(conv(x, weight=turned))))
    spread = mx.sym.broadcast_axis(mx.sym.var("one", shape=(1, 4, 1, 1)), axis=(2, 3), size=(8, 8))
    assert "broadcast_axis" in operators(assert_same(graph_of(mx.sym.broadcast_add(x, spread))))


def test_constants_that_take_their_shape_from_the_input_stay() -> None:
    x = mx.sym.var("data")
    folded = assert_same(graph_of(x + mx.sym.zeros_like(x) + mx.sym.ones(shape=(0, 4, 8, 8))))
    assert operators(folded)["_ones"] == 1


def test_dropout_of_weights_goes_and_what_is_made_of_them_is_computed_once() -> None:
    weight = mx.sym.Dropout(mx.sym.var("weight", shape=(3, 512)))
    weight = mx.sym.reshape(weight, (6, 256))
    symbol = mx.sym.FullyConnected(mx.sym.var("data"), weight, num_hidden=6, no_bias=True)
    assert operators(assert_same(graph_of(symbol))) == {"FullyConnected": 1}


def test_dropout_that_is_always_on_stays() -> None:
    x = mx.sym.var("data")
    folded = fold(graph_of(conv(mx.sym.identity(mx.sym.Dropout(x * 2, mode="always")))))
    assert operators(folded) == {"_mul_scalar": 1, "Dropout": 1, "Convolution": 1}


def test_the_given_graph_is_not_changed() -> None:
    graph = graph_of(norm(conv(mx.sym.var("data"))))
    text, before = graph.symbol.tojson(), {k: v.asnumpy() for k, v in graph.arrays.items()}
    fold(graph)
    assert graph.symbol.tojson() == text
    assert {k: v.tolist() for k, v in before.items()} == {
        k: v.asnumpy().tolist() for k, v in graph.arrays.items()
    }


def one_of_each_family() -> list[str]:
    names = list_models(task="image_classifier")
    return sorted({model_info(name).family: name for name in reversed(names)}.values())


SMALL = ("cifar_resnet20_v1", "mobilenet0.25", "squeezenet1.0")
FAMILIES = one_of_each_family()
assert len(FAMILIES) > 20


@pytest.mark.parametrize(
    "name",
    [*SMALL, *(pytest.param(n, marks=pytest.mark.slow) for n in FAMILIES if n not in SMALL)],
)
def test_published_networks_give_the_same(name: str) -> None:
    net = get_model(name)
    net.initialize(mx.init.Xavier(magnitude=2))
    side = 32 if name.startswith("cifar") else 224
    data = mx.nd.zeros((1, 3, side, side))
    net(data)
    rng = np.random.default_rng(0)
    for parameter in net.collect_params().values():
        if len(parameter.shape) == 1:
            parameter.set_data(mx.nd.array(rng.uniform(0.5, 1, parameter.shape)))
    graph, _ = describe(net, data)
    folded = assert_same(graph, data.shape)
    assert sum(operators(folded).values()) < sum(operators(graph).values())
