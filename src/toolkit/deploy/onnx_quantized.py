"""What the fused and the int8 operators of MXNet's oneDNN become in ONNX.

Whole numbers appear in ONNX as a pair of QuantizeLinear and DequantizeLinear on a result; the
runtimes make int8 kernels of the operators between such pairs. A result that has a pair is given
as three names, as MXNet's int8 operators have three results: the value after the pair, its scale
and its zero, in the place of the least and the greatest number.

All activations are uint8, which the runtimes' kernels like best: with zero at 0 where nothing is
below zero, at 128 else. Weights are int8 with a scale for each output, biases int32.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from toolkit.deploy.nodes import VARIABLE, Node
from toolkit.deploy.onnx_builder import TRANSLATIONS, Call, translates
from toolkit.deploy.requantizing import ENDS, MIDDLE, TRUE_HIGH

POSITIVE, LEVELS = 255.0, 127.0  # above zero, without and with numbers below


def scale_of(low: float, high: float) -> tuple[float, int]:
    """The scale and the zero of numbers in a range, as MXNet rounds them."""
    if low >= 0:
        return (high or 1.0) / POSITIVE, 0
    return max(-low, high) / LEVELS, 128


def _rounded(call: Call, value: str, scale: float, zero: int, part: str = "") -> list[str]:
    """A pair on a value; see the module on what is returned."""
    begin = f"{part}." if part else ""
    ends = [
        call.constant(scale, f"{begin}scale"),
        call.constant(zero, f"{begin}zero", np.uint8),
    ]
    return _again(call, value, ends, part)


def _again(call: Call, value: str, ends: Sequence[str], part: str = "") -> list[str]:
    """A pair of a scale and a zero that are there."""
    begin = f"{part}." if part else ""
    whole = call.add("QuantizeLinear", [value, *ends], f"{begin}whole")
    return [call.add("DequantizeLinear", [whole, *ends], part), *ends]


def _number(call: Call, name: str) -> Any:
    return call.builder.constants[name]


def _range(node: Node) -> tuple[float, float] | None:
    low, high = (node.attrs.get(end) for end in ENDS)
    if low is None or high is None:
        return None
    return float(low), float(node.attrs.get(TRUE_HIGH, high))


@translates("_contrib_quantize_v2", "_contrib_requantize")
def _quantize(call: Call) -> list[str]:
    bounds = _range(call.node)
    if bounds is None:
        raise call.unsupported("without a range from calibration")
    return _rounded(call, call.inputs[0], *scale_of(*bounds))


@translates("_contrib_dequantize")
def _dequantize(call: Call) -> str:
    return call.inputs[0]


@translates("_contrib_quantized_pooling", "_contrib_quantized_act", "_contrib_quantized_flatten")
def _as_before(call: Call) -> list[str]:
    """What leaves the range as it is."""
    plain = {"pooling": "Pooling", "act": "Activation", "flatten": "Flatten"}
    op = plain[call.node.op.rpartition("_")[2]]
    node = replace(call.node, op=op, name=f"{call.name}.float")
    value = TRANSLATIONS[op](Call(node, call.inputs[:1], call.builder))
    return _again(call, str(value), call.inputs[1:3])


@translates("_contrib_quantized_concat")
def _concat(call: Call) -> list[str]:
    """In the widest of the ranges."""
    count = int(call.get("num_args"))
    scales = [float(_number(call, name)) for name in call.inputs[count::2]]
    zeros = [int(_number(call, name)) for name in call.inputs[count + 1 :: 2]]
    ends = [s * (LEVELS if zero else POSITIVE) for s, zero in zip(scales, zeros, strict=True)]
    value = call.add("Concat", call.inputs[:count], "float", axis=int(call.get("dim", 1)))
    return _rounded(call, value, *scale_of(-max(ends) if any(zeros) else 0.0, max(ends)))


@translates("_sg_mkldnn_conv", "_sg_mkldnn_fully_connected")
def _fused(call: Call) -> str | list[str]:
    """A layer, perhaps a sum, perhaps activations, in the order of the inner graph."""
    layer, *others = (row for row in call.node.subgraphs[0]["nodes"] if row["op"] != VARIABLE)
    bounds = _range(call.node)
    taken = len(layer["inputs"])
    value = _whole_layer(call, layer) if call.node.flag("quantized") else _inner(call, layer)
    for row in others:
        places = range(taken, taken + len(row["inputs"]) - 1)  # what it reads besides the value
        taken = places.stop
        if bounds is None or not _is_implied(row, *bounds):
            value = _inner(call, row, [0, *places], [value, *(call.inputs[i] for i in places)])
    return value if bounds is None else _rounded(call, value, *scale_of(*bounds))


def _inner(
    call: Call,
    row: dict[str, Any],
    places: Sequence[int] | None = None,
    inputs: list[str] | None = None,
) -> str:
    """An operator of the inner graph, which reads the fused one's inputs at some places."""
    places = range(len(row["inputs"])) if places is None else places
    node = Node(row["op"], row["name"], row.get("attrs", {}), [call.node.inputs[i] for i in places])
    given = [call.inputs[i] for i in places] if inputs is None else inputs
    return str(TRANSLATIONS[row["op"]](Call(node, given, call.builder)))


def _is_implied(row: dict[str, Any], low: float, high: float) -> bool:
    """Whether rounding to the range cuts off what the activation would."""
    attrs = row.get("attrs", {})
    if row["op"] == "clip":
        least, most = (ast.literal_eval(attrs[end]) for end in ("a_min", "a_max"))
        return low >= 0 and least == 0 and high <= most
    return low >= 0 and attrs.get("act_type") == "relu"


def _whole_layer(call: Call, row: dict[str, Any]) -> str:
    """A layer in whole numbers."""
    if any(other["op"] == "BatchNorm" for other in call.node.subgraphs[0]["nodes"]):
        raise call.unsupported("in int8 with a BatchNorm")
    return (_whole_dense if row["op"] == "FullyConnected" else _whole_convolution)(call, row)


def _whole_convolution(call: Call, row: dict[str, Any]) -> str:
    """MXNet keeps floats; each output channel gets a scale of its own."""
    count, summed = len(row["inputs"]), call.node.flag("with_sum")
    array, *biases = (_number(call, name) for name in call.inputs[1:count])
    scales = np.abs(array).reshape(len(array), -1).max(axis=1).astype(np.float64) / LEVELS
    scales[scales == 0] = 1.0
    whole = np.rint(array / scales.reshape(-1, *[1] * (array.ndim - 1))).astype(np.int8)
    given = [call.inputs[0], _stored(call, whole, scales, "weight")]
    for bias in biases:
        steps = scales * float(_number(call, call.inputs[count + summed]))
        ends = np.iinfo(np.int32)
        given.append(
            _stored(call, np.clip(np.rint(bias / steps), ends.min, ends.max), steps, "bias", "i4")
        )
    value = _inner(call, row, inputs=given)
    middle = call.node.attrs.get(MIDDLE)
    if middle is None or not summed:
        return value
    return _rounded(call, value, *scale_of(*ast.literal_eval(middle)), part="middle")[0]


def _whole_dense(call: Call, row: dict[str, Any]) -> str:
    """MXNet keeps one scale for all weights of a dense layer, and one for its biases."""
    count = len(row["inputs"])
    data, weight, *biases = call.inputs[:count]
    ends = call.inputs[count:]  # scale and zero of the data, then the ranges of the others
    if len(call.shape_of()) > 2 and row.get("attrs", {}).get("flatten", "True") == "True":
        data = _again(call, call.add("Flatten", [data], "rows.float", axis=1), ends[:2], "rows")[0]
    scales = [
        max(abs(float(_number(call, name).item())) for name in ends[place : place + 2]) / LEVELS
        for place in range(2, 2 * count, 2)
    ]
    turned = _stored(call, _number(call, weight).T, np.asarray(scales[0]), "weight")
    value = call.add("MatMul", [data, turned], "product")
    for bias in biases:
        added = call.constant(_number(call, bias) * scales[1], "bias")
        value = call.builder.add("Add", [value, added], row["name"])
    return value


def _stored(call: Call, whole: np.ndarray, scales: np.ndarray, part: str, kind: str = "i1") -> str:
    """A constant in whole numbers, as a float; scales of one number, or along the first axis."""
    names = [
        call.constant(whole, f"{part}.whole", kind),
        call.constant(scales, f"{part}.scale"),
        call.constant(np.zeros(scales.shape), f"{part}.zero", kind),
    ]
    return call.add("DequantizeLinear", names, part, axis=0 if scales.ndim else None)
