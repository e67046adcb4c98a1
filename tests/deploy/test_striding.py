from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.deploy.nodes import Nodes
from toolkit.deploy.striding import pull_strides

LAYERS = ("Convolution", "Pooling")


def layer(data: mx.sym.Symbol, name: str, kernel: int = 1, stride: int = 1) -> mx.sym.Symbol:
    options = {"kernel": (kernel,) * 2, "stride": (stride,) * 2, "pad": (kernel // 2,) * 2}
    return mx.sym.Convolution(data, num_filter=4, name=name, **options)


def stage(stride: int = 2, kernel: int = 1) -> mx.sym.Symbol:
    """The end of a stage, and the two convolutions that the next one begins with."""
    data = layer(mx.sym.var("data"), "stem")
    body = layer(data, "body", 3)
    end = mx.sym.Activation(body + data, act_type="relu")
    ways = layer(end, "left", kernel, stride), layer(end, "right", 1, stride)
    return ways[0] + ways[1]


def moved(symbol: mx.sym.Symbol) -> tuple[mx.sym.Symbol, dict[str, str]]:
    nodes = Nodes.of(symbol)
    pull_strides(nodes)
    return nodes.symbol(), {n.name: n.attrs["stride"] for n in nodes if n.op in LAYERS}


@pytest.mark.parametrize("side", [8, 9])
def test_strides_move_through_sums(side: int) -> None:
    symbol = stage()
    made, strides = moved(symbol)
    assert strides == {
        "stem": "(1, 1)",
        "body": "(2, 2)",
        "stem_strided": "(2, 2)",
        "left": "(1, 1)",
        "right": "(1, 1)",
    }
    shape = (2, 3, side, side)
    rng = np.random.default_rng(0)
    shapes = symbol.infer_shape(data=shape)[0]
    values = {
        name: mx.nd.array(rng.normal(size=size))
        for name, size in zip(symbol.list_arguments(), shapes, strict=True)
    }
    found, wanted = (s.bind(mx.cpu(), values).forward()[0].asnumpy() for s in (made, symbol))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("options", [{"stride": 1}, {"kernel": 3}])
def test_what_reads_every_pixel_stays(options: dict[str, int]) -> None:
    _, strides = moved(stage(**options))
    assert strides["body"] == "(1, 1)"
    assert "stem_strided" not in strides


def test_an_output_stays_whole() -> None:
    end = layer(mx.sym.var("data"), "end")
    _, strides = moved(mx.sym.Group([end, layer(end, "next", 1, 2)]))
    assert strides == {"end": "(1, 1)", "next": "(2, 2)"}


def test_nothing_is_gained_without_a_convolution_before() -> None:
    pool = mx.sym.Pooling(mx.sym.var("data"), kernel=(2, 2), stride=(1, 1), name="pool")
    _, strides = moved(layer(mx.sym.Activation(pool, act_type="relu"), "next", 1, 2))
    assert strides["next"] == "(2, 2)"


def test_strides_of_convolutions_multiply() -> None:
    _, strides = moved(layer(layer(mx.sym.var("data"), "end", 3, 2), "next", 1, 3))
    assert strides == {"end": "(6, 6)", "next": "(1, 1)"}
