from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, HybridSequential

from toolkit.deploy.graph import block_places, compose, leaves, parameter_places, trace


def graph_of(net: HybridBlock, *arrays: mx.nd.NDArray):
    return trace(net, *compose(net, list(arrays)))


class Loop(HybridBlock):
    """A loop in the graph that uses a parameter of the block."""

    def __init__(self) -> None:
        super().__init__()
        self.step = self.params.get("step", shape=(3,))

    def hybrid_forward(self, F, x, step):
        def body(row, total):
            return row + step, total + row

        rows, total = F.contrib.foreach(body, x, F.zeros((3,)))
        return rows, total


class Twice(HybridBlock):
    """One block that is called twice, as detectors do on several features."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = Dense(3, in_units=3)

    def hybrid_forward(self, F, x):
        return self.dense(self.dense(x))


def test_parameters_are_called_as_in_save_parameters(two_inputs: HybridBlock) -> None:
    x = mx.nd.ones((2, 3))
    two_inputs(x, x)
    graph = graph_of(two_inputs, x, x)
    assert list(graph.arrays) == [
        *("left.weight", "left.bias", "right.weight", "right.bias", "offset")
    ]
    assert set(graph.symbol.list_inputs()) == {"data0", "data1", *graph.arrays}


def test_keys_tell_auxiliary_states(features: HybridBlock) -> None:
    x = mx.nd.ones((1, 3, 4, 4))
    features(x)
    keys = set(graph_of(features, x).prefixed())
    assert keys == {
        *("arg:conv.weight", "arg:conv.bias", "arg:norm.gamma", "arg:norm.beta"),
        *("aux:norm.running_mean", "aux:norm.running_var"),
    }


def test_names_do_not_depend_on_what_was_built_before() -> None:
    def text() -> str:
        net = HybridSequential()
        net.add(Dense(4, in_units=3, activation="relu"), Dense(2, in_units=4))
        net.initialize()
        return graph_of(net, mx.nd.ones((1, 3))).symbol.tojson()

    first = text()
    Dense(1)
    assert text() == first


def test_inner_graphs_are_renamed_too() -> None:
    def built() -> tuple[str, Loop]:
        net = Loop()
        net.initialize(mx.init.One())
        return graph_of(net, mx.nd.ones((4, 3))).symbol.tojson(), net

    first, net = built()
    second, _ = built()
    assert first == second
    x = mx.nd.array(np.arange(12).reshape(4, 3))
    graph = graph_of(net, x)
    outputs = graph.symbol.bind(mx.cpu(), {"data": x, **graph.arrays}).forward()
    for found, wanted in zip(outputs, net(x), strict=True):
        assert np.array_equal(found.asnumpy(), wanted.asnumpy())


def test_each_operator_has_a_name_of_its_own() -> None:
    net = Twice()
    net.initialize()
    names = graph_of(net, mx.nd.ones((1, 3))).symbol.get_internals().list_outputs()
    assert len(set(names)) == len(names)
    assert {"dense.fwd_output", "dense.fwd_1_output"} <= set(names)


def test_variables_carry_nothing_of_training(two_inputs: HybridBlock) -> None:
    x = mx.nd.ones((2, 3))
    two_inputs(x, x)
    two_inputs.left.weight.lr_mult = 0.5
    attributes = graph_of(two_inputs, x, x).symbol.attr_dict()
    assert attributes["offset"] == {"__dtype__": "0", "__shape__": "(4,)"}
    assert attributes["left.weight"] == {"__dtype__": "0", "__shape__": "(4, 3)"}


def test_nested_inputs_and_outputs_are_flattened() -> None:
    class Nested(HybridBlock):
        def hybrid_forward(self, F, x, states):
            return x + states[0], [states[1], [states[0] * 2]]

    example = [mx.nd.ones((1, 2)), [mx.nd.ones((1, 2)), mx.nd.ones((1, 3))]]
    symbol, inputs = compose(Nested(), example)
    assert inputs == ("data0", "data1", "data2")
    assert len(symbol.list_outputs()) == 3


def test_an_output_that_is_no_array_is_refused() -> None:
    class Text(HybridBlock):
        def hybrid_forward(self, F, x):
            return "text"

    with pytest.raises(TypeError, match="gives str"):
        compose(Text(), [mx.nd.ones(1)])


def test_a_shared_parameter_has_one_place() -> None:
    net = HybridSequential()
    net.add(Dense(3, in_units=3))
    net.add(Dense(3, in_units=3, params=net[0].params))
    assert sorted(parameter_places(net).values()) == ["0.bias", "0.weight"]


def test_a_longer_prefix_wins() -> None:
    net = HybridSequential(prefix="net_")
    with net.name_scope():
        net.add(Dense(1))
    assert block_places(net) == [("net_dense0_", "0."), ("net_", "")]


def test_leaves_come_in_order() -> None:
    assert list(leaves([1, (2, [3, []]), 4])) == [1, 2, 3, 4]
    assert list(leaves(5)) == [5]
