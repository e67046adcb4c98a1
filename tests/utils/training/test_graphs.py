from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock, nn

from toolkit.utils.training.graphs import hybrid_blocks, nodes_of, rewritten, with_replaced

X = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")


class Twice(HybridBlock):
    """One layer, two times."""

    def __init__(self) -> None:
        super().__init__()
        self.once = nn.Dense(4, in_units=4)
        self.again = self.once
        self.act = nn.Activation("relu")

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return self.act(self.again(self.once(x)))


@pytest.fixture
def net() -> Twice:
    net = Twice()
    net.initialize(mx.init.Xavier())
    net.hybridize()
    return net


def run(net: HybridBlock) -> np.ndarray:
    return net(mx.nd.array(X)).asnumpy()


def tripled(node: dict[str, Any]) -> mx.sym.Symbol | None:
    """Makes of a rectifier three times its square."""
    return mx.sym.square(mx.sym.relu(mx.sym.Variable("0"))) * 3 if "relu" in str(node) else None


def test_a_block_that_is_used_twice_is_listed_once(net: Twice) -> None:
    assert hybrid_blocks(net) == [net.once, net.act, net]


def test_a_part_takes_the_place_of_a_node(net: Twice) -> None:
    plain = run(net)
    with rewritten(net, lambda symbol: with_replaced(symbol, tripled)):
        np.testing.assert_allclose(run(net), 3 * plain**2, rtol=1e-5)
    np.testing.assert_array_equal(run(net), plain)


def test_what_was_rewritten_is_rewritten_further(net: Twice) -> None:
    plain = run(net)
    seen: list[list[str]] = []

    def look(symbol: mx.sym.Symbol) -> mx.sym.Symbol:
        seen.append([node["op"] for node in nodes_of(symbol)["nodes"]])
        return symbol

    with rewritten(net, lambda symbol: with_replaced(symbol, tripled)):
        with rewritten(net, look):
            np.testing.assert_allclose(run(net), 3 * plain**2, rtol=1e-5)
        assert "square" in seen[0]
        np.testing.assert_allclose(run(net), 3 * plain**2, rtol=1e-5)
    assert len(seen) == 1


def test_names_stay_different_and_other_outputs_stay(net: Twice) -> None:
    first, second = mx.sym.split(mx.sym.Variable("x"), num_outputs=2)
    symbol = mx.sym.Group([mx.sym.relu(first), second, mx.sym.relu(second)])
    found = with_replaced(symbol, tripled)
    names = [node["name"] for node in nodes_of(found)["nodes"]]
    assert len(names) == len(set(names))
    outputs = found.bind(mx.cpu(), {"x": mx.nd.array(X)}).forward()
    halves = X[:, :2], X[:, 2:]
    expected = [3 * np.maximum(halves[0], 0) ** 2, halves[1], 3 * np.maximum(halves[1], 0) ** 2]
    for output, value in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(output.asnumpy(), value, rtol=1e-5)


def test_an_error_leaves_the_network_as_it_was(net: Twice) -> None:
    plain = run(net)
    with (
        pytest.raises(KeyError),
        rewritten(net, lambda symbol: with_replaced(symbol, tripled)),
    ):
        raise KeyError
    np.testing.assert_array_equal(run(net), plain)
    assert "_get_graph" not in vars(net)
