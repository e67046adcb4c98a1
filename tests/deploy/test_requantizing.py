from __future__ import annotations

import mxnet as mx
import pytest

from toolkit.deploy.nodes import Node, Nodes
from toolkit.deploy.requantizing import (
    MIDDLE,
    TRUE_HIGH,
    note_middles,
    shorten,
    summed,
    widen_sums,
)

RANGE = {"min_calib_range": "0.0", "max_calib_range": "2.0"}


def whole(data: mx.sym.Symbol, name: str, **attrs: str) -> mx.sym.Symbol:
    return mx.sym.contrib.quantize_v2(data, name=name, out_type="auto", **{**RANGE, **attrs})


def operators(symbol: mx.sym.Symbol) -> list[str]:
    return [node.op for node in Nodes.of(symbol) if node.op != "null"]


def test_a_detour_to_the_same_range_is_left_out() -> None:
    first = whole(mx.sym.var("data"), "first")
    again = whole(mx.sym.contrib.dequantize(*first) + 0, "again")
    made = shorten(mx.sym.contrib.dequantize(*again))
    assert operators(made) == ["_contrib_quantize_v2", "_contrib_dequantize"]


def test_another_range_is_rounded_to() -> None:
    first = whole(mx.sym.var("data"), "first")
    again = whole(mx.sym.contrib.dequantize(*first), "again", max_calib_range="1.0")
    assert len(operators(shorten(mx.sym.contrib.dequantize(*again)))) == 4


def pooled(kind: str) -> mx.sym.Symbol:
    pool = mx.sym.Pooling(mx.sym.var("data"), kernel=(2, 2), pool_type=kind, name="pool")
    return mx.sym.contrib.dequantize(*whole(pool, "whole"))


def test_largest_numbers_are_looked_for_among_whole_ones() -> None:
    before, made = pooled("max"), shorten(pooled("max"))
    assert operators(made) == [
        "_contrib_quantize_v2",
        "_contrib_quantized_pooling",
        "_contrib_dequantize",
    ]
    data = mx.nd.random.uniform(shape=(1, 2, 6, 6))
    found, wanted = (s.bind(mx.cpu(), {"data": data}).forward()[0] for s in (made, before))
    assert (found.asnumpy() == wanted.asnumpy()).all()


def test_means_are_not() -> None:
    assert operators(shorten(pooled("avg"))) == operators(pooled("avg"))


def test_sums_note_the_range_before_them() -> None:
    convolution = mx.sym.Convolution(mx.sym.var("x"), kernel=(1, 1), num_filter=2, name="layer")
    fused = (convolution + mx.sym.var("y")).get_backend_symbol("MKLDNN_QUANTIZE")
    assert summed(fused) == {}  # not in int8
    nodes = Nodes.of(fused)
    (node,) = [node for node in nodes if node.op == "_sg_mkldnn_conv"]
    assert isinstance(node, Node)
    node.attrs["quantized"] = "true"
    assert summed(nodes.symbol()) == {node.name: "layer"}
    noted = note_middles(nodes.symbol(), {"layer": (-1.5, 2.0)})
    (row,) = [node.attrs for node in Nodes.of(noted) if node.op == "_sg_mkldnn_conv"]
    assert row[MIDDLE] == "(-1.5, 2.0)"


@pytest.mark.parametrize(("low", "high"), [("-1.0", 255 / 127), ("0.0", 1.0)])
def test_sums_of_signed_summands_get_more_room(low: str, high: float) -> None:
    summand = whole(mx.sym.var("y"), "summand", min_calib_range=low)
    convolution = mx.sym.Convolution(mx.sym.var("x"), kernel=(1, 1), num_filter=2, name="layer")
    nodes = Nodes.of((convolution + summand[0]).get_backend_symbol("MKLDNN_QUANTIZE"))
    (node,) = [node for node in nodes if node.op == "_sg_mkldnn_conv"]
    node.attrs |= {"quantized": "true", "min_calib_range": "0.0", "max_calib_range": "1.0"}
    (attrs,) = [n.attrs for n in Nodes.of(widen_sums(nodes.symbol())) if n.op == node.op]
    assert float(attrs["max_calib_range"]) == pytest.approx(high)
    assert attrs.get(TRUE_HIGH) == (None if low == "0.0" else "1.0")
