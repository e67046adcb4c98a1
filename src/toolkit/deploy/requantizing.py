"""Mends int8 graphs of MXNet: detours through float are left out, sums keep their large numbers.

MXNet rounds what comes out of every operator that stays in float. Two such detours end in the very
numbers they began with: back to float, plus the zero that kept fused operators apart, and rounded
to the same range again; and the largest of rounded numbers, which is the largest number rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mxnet as mx

from toolkit.deploy.nodes import VARIABLE, Node, Nodes, Value

MIDDLE = "__middle__"  # on a fused operator: the range of its layer's result before the sum
TRUE_HIGH = "__high__"  # on a fused operator: the end of its range before ``widen_sums``
ROUND, BACK = "_contrib_quantize_v2", "_contrib_dequantize"
ENDS = ("min_calib_range", "max_calib_range")
AS_BEFORE = "_contrib_quantized_"  # pools and the like, whose results have the type of the data


def shorten(symbol: mx.sym.Symbol) -> mx.sym.Symbol:
    """The same int8 graph without detours; equal results."""
    nodes = Nodes.of(symbol)
    nodes.replace(_without_zero)
    _round_before_pools(nodes)
    before = {node: _source(node) for node in nodes}
    nodes.replace(lambda value: (before[value[0]] or value[0], value[1]))
    return nodes.symbol()


def _without_zero(value: Value) -> Value:
    while value[0].op == "_plus_scalar" and float(value[0].attrs["scalar"]) == 0:
        value = value[0].inputs[0]
    return value


def _source(node: Node) -> Node | None:
    """What made the whole numbers that a rounding makes again."""
    if node.op != ROUND or node.inputs[0][0].op != BACK:
        return None
    made = node.inputs[0][0].inputs[0][0]
    return (
        made
        if all(end in made.attrs and made.attrs[end] == node.attrs.get(end) for end in ENDS)
        else None
    )


def _round_before_pools(nodes: Nodes) -> None:
    """Pools of maxima, read by nothing but a rounding, take whole numbers in their place."""
    users = nodes.users()
    for node in list(nodes):
        pool = node.inputs[0][0] if node.op == ROUND else None
        if pool is None or pool.op != "Pooling" or users[pool] != [node]:
            continue
        if pool.attrs.get("pool_type", "max") != "max":
            continue
        first = Node(ROUND, f"{pool.name}_input_quantize", node.attrs, pool.inputs)
        node.op, node.attrs = "_contrib_quantized_pooling", pool.attrs
        node.inputs = [(first, place) for place in range(3)]


def widen_sums(symbol: mx.sym.Symbol) -> mx.sym.Symbol:
    """Makes room in sums of a signed summand that end in a ReLU.

    MXNet writes such a sum over the summand, as int8, with the scale that uint8 has: what is above
    the middle of the range was cut off. The range becomes so wide that nothing is.
    """
    nodes = Nodes.of(symbol)
    signed: set[Node] = set()
    for node in nodes:  # each after those that it needs
        low, high = (float(node.attrs.get(end, 0)) for end in ENDS)
        if low < 0 or (node.op.startswith(AS_BEFORE) and node.inputs[0][0] in signed):
            signed.add(node)
        elif _adds(node) and node.inputs[len(_layer(node)["inputs"])][0] in signed:
            node.attrs.update({ENDS[1]: str(high * 255 / 127), TRUE_HIGH: str(high)})
    return nodes.symbol()


def _adds(node: Node) -> bool:
    """Whether an operator adds whole numbers to those of its layer."""
    return node.flag("quantized") and node.flag("with_sum")


def _layer(node: Node) -> dict[str, Any]:
    """The layer in a fused operator."""
    return next(row for row in node.subgraphs[0]["nodes"] if row["op"] != VARIABLE)


def summed(symbol: mx.sym.Symbol) -> dict[str, str]:
    """Of int8 operators that end in a sum: the name of the layer in them, by their own name."""
    return {node.name: _layer(node)["name"] for node in Nodes.of(symbol) if _adds(node)}


def note_middles(symbol: mx.sym.Symbol, ranges: Mapping[str, tuple[float, float]]) -> mx.sym.Symbol:
    """Writes the range of each layer in front of a sum on the operator that both are in.

    MXNet does not need it; runtimes that add whole numbers do.
    """
    nodes, layers = Nodes.of(symbol), summed(symbol)
    for node in nodes:
        if node.name in layers:
            node.attrs[MIDDLE] = str(tuple(ranges[layers[node.name]]))
    return nodes.symbol()
