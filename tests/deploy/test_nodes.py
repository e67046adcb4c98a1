from __future__ import annotations

import mxnet as mx
import numpy as np

from toolkit.deploy.nodes import VARIABLE, Node, Nodes


def graph() -> mx.sym.Symbol:
    x = mx.sym.var("x")
    halves = mx.sym.split(x, num_outputs=2, axis=1, name="halves")
    total = mx.sym.broadcast_add(halves[0], halves[1], name="total")
    return mx.sym.Group([total, halves[1]])


def run(symbol: mx.sym.Symbol) -> list[np.ndarray]:
    x = mx.nd.array([[1.0, 2.0, 3.0, 4.0]])
    return [out.asnumpy() for out in symbol.bind(mx.cpu(), {"x": x}).forward()]


def test_taken_apart_and_put_together_it_is_the_same() -> None:
    symbol = graph()
    again = Nodes.of(symbol).symbol()
    assert again.list_outputs() == symbol.list_outputs()
    for left, right in zip(run(again), run(symbol), strict=True):
        np.testing.assert_array_equal(left, right)


def test_nodes_come_after_those_that_they_need() -> None:
    assert [node.name for node in Nodes.of(graph())] == ["x", "halves", "total"]


def test_users_are_counted_once_a_reading() -> None:
    nodes = Nodes.of(graph())
    _, halves, total = list(nodes)
    assert nodes.users()[halves] == [total, total, None]
    assert nodes.users()[total] == [None]


def test_replaced_values_are_read_everywhere_and_the_rest_is_gone() -> None:
    nodes = Nodes.of(graph())
    x, halves, _ = list(nodes)
    nodes.replace(lambda value: (x, 0) if value == (halves, 1) else value)
    symbol = nodes.symbol()
    assert symbol.list_outputs() == ["total_output", "x"]
    nodes.replace(lambda value: (x, 0) if value[0] is halves else value)
    assert [node.name for node in nodes] == ["x", "total"]


def test_deep_graphs_are_walked() -> None:
    x = mx.sym.var("x")
    for _ in range(2000):
        x = x + 1
    assert len(list(Nodes.of(x))) == 2001


def test_switches_are_read_as_mxnet_writes_them() -> None:
    node = Node(VARIABLE, "x", {"a": "True", "b": "0", "c": "1"})
    assert node.flag("a")
    assert not node.flag("b")
    assert node.flag("c")
    assert node.flag("missing", True)
