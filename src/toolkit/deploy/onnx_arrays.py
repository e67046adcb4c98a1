"""What MXNet's operators on arrays become in ONNX, opset 13: arithmetic, axes, slices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from toolkit.deploy.onnx_builder import TRANSLATIONS, Call, translates

LAST = np.iinfo(np.int64).max  # the end of an axis in ONNX's Slice
BINARY = {
    "elemwise_add": "Add",
    "broadcast_add": "Add",
    "broadcast_plus": "Add",
    "elemwise_sub": "Sub",
    "broadcast_sub": "Sub",
    "broadcast_minus": "Sub",
    "elemwise_mul": "Mul",
    "broadcast_mul": "Mul",
    "elemwise_div": "Div",
    "broadcast_div": "Div",
    "broadcast_power": "Pow",
    "broadcast_maximum": "Max",
    "broadcast_minimum": "Min",
    "add_n": "Sum",
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "exp": "Exp",
    "log": "Log",
    "sqrt": "Sqrt",
    "abs": "Abs",
    "negative": "Neg",
    "floor": "Floor",
    "ceil": "Ceil",
    "erf": "Erf",
    "reciprocal": "Reciprocal",
    "round": "Round",
    "sin": "Sin",
    "cos": "Cos",
    "_copy": "Identity",
    "BlockGrad": "Identity",
    "Dropout": "Identity",
}
# Operator, and whether the number comes first.
SCALAR = {
    "_plus_scalar": ("Add", False),
    "_minus_scalar": ("Sub", False),
    "_rminus_scalar": ("Sub", True),
    "_mul_scalar": ("Mul", False),
    "_div_scalar": ("Div", False),
    "_rdiv_scalar": ("Div", True),
    "_power_scalar": ("Pow", False),
    "_rpower_scalar": ("Pow", True),
    "_maximum_scalar": ("Max", False),
    "_minimum_scalar": ("Min", False),
}


def _plain(operator: str) -> Callable[[Call], str]:
    return lambda call: call.add(operator)


def _with_scalar(operator: str, first: bool) -> Callable[[Call], str]:
    def translate(call: Call) -> str:
        inputs = [call.inputs[0], call.constant(float(call.get("scalar", 1)), "scalar")]
        return call.add(operator, inputs[::-1] if first else inputs)

    return translate


TRANSLATIONS.update({name: _plain(operator) for name, operator in BINARY.items()})
TRANSLATIONS.update({name: _with_scalar(*row) for name, row in SCALAR.items()})


@translates("square")
def _square(call: Call) -> str:
    return call.add("Mul", [call.inputs[0]] * 2)


@translates("log2")
def _log2(call: Call) -> str:
    natural = call.add("Log", part="natural")
    return call.add("Mul", [natural, call.constant(1 / np.log(2), "share")])


@translates("reverse", "flip")
def _reverse(call: Call) -> str:
    axis = call.get("axis")
    if isinstance(axis, tuple) and len(axis) > 1:
        raise call.unsupported("along several axes")
    return call.backwards(axis[0] if isinstance(axis, tuple) else axis)


@translates("hard_sigmoid")
def _hard_sigmoid(call: Call) -> str:
    alpha, beta = float(call.get("alpha", 0.2)), float(call.get("beta", 0.5))
    return call.add("HardSigmoid", alpha=alpha, beta=beta)


@translates("clip")
def _clip(call: Call) -> str:
    ends = [call.constant(float(call.get(key)), key) for key in ("a_min", "a_max")]
    return call.add("Clip", [*call.inputs, *ends])


@translates("Flatten", "Reshape", "reshape", "reshape_like", "expand_dims", "squeeze")
def _reshape(call: Call) -> str:
    return call.add("Reshape", [call.inputs[0], call.target_shape()])


@translates("transpose")
def _transpose(call: Call) -> str:
    axes = call.get("axes") or range(len(call.shape_of()))[::-1]
    return call.add("Transpose", perm=list(axes))


@translates("SwapAxis", "swapaxes")
def _swap(call: Call) -> str:
    axes = list(range(len(call.shape_of())))
    left, right = int(call.get("dim1", 0)), int(call.get("dim2", 0))
    axes[left], axes[right] = axes[right], axes[left]
    return call.add("Transpose", perm=axes)


@translates("Concat", "concat")
def _concat(call: Call) -> str:
    return call.add("Concat", axis=int(call.get("dim", 1)))


@translates("SliceChannel")
def _split(call: Call) -> list[str]:
    count, axis = int(call.get("num_outputs")), call.axis(1)
    squeezed = call.get("squeeze_axis", False)
    names = [call.name if i == 0 else f"{call.name}.{i}" for i in range(count)]
    sizes = call.integers([call.fixed(call.axes_of()[axis]) // count] * count, "sizes")
    if not squeezed:
        return call.builder.several("Split", [*call.inputs, sizes], names, axis=axis)
    parts = [f"{name}.part" for name in names]
    call.builder.several("Split", [*call.inputs, sizes], parts, axis=axis)
    axes = call.integers([axis], "axes")
    rows = zip(parts, names, strict=True)
    return [call.builder.add("Squeeze", [part, axes], name) for part, name in rows]


@translates("slice_axis")
def _slice_axis(call: Call) -> str:
    return _slice(call, [call.axis(0)], [call.get("begin")], [call.get("end")])


@translates("slice")
def _slice_all(call: Call) -> str:
    begin, end = call.get("begin"), call.get("end")
    steps = call.get("step") or ()
    if any(step not in (None, 1) for step in steps):
        raise call.unsupported(f"with steps {steps}")
    return _slice(call, list(range(len(begin))), begin, end)


def _slice(call: Call, axes: list[int], begin: Any, end: Any) -> str:
    rows = {
        "begin": [b or 0 for b in begin],
        "end": [LAST if e is None else e for e in end],
        "axes": axes,
    }
    return call.add("Slice", [*call.inputs, *(call.integers(v, k) for k, v in rows.items())])


@translates("mean", "max", "min")
def _reduce(call: Call) -> str:
    names = {"mean": "ReduceMean", "max": "ReduceMax", "min": "ReduceMin"}
    keep = int(call.get("keepdims", False))
    return call.reduced(names[call.node.op], call.inputs[0], _axes(call), keep=keep)


@translates("sum", "sum_axis")
def _sum(call: Call) -> str:
    axes, keep = _axes(call), int(call.get("keepdims", False))
    more = [] if axes is None else [call.integers(axes, "axes")]
    return call.add("ReduceSum", [*call.inputs, *more], keepdims=keep)


def _axes(call: Call) -> list[int] | None:
    axis = call.get("axis")
    axes = list(axis) if isinstance(axis, tuple) else [axis] if isinstance(axis, int) else []
    if call.get("exclude", False):
        rank = len(call.shape_of())
        axes = sorted(set(range(rank)) - {a % rank for a in axes})
    return axes or None


@translates("softmax", "log_softmax", "SoftmaxActivation")
def _softmax(call: Call) -> str:
    if len(call.inputs) > 1 or call.get("temperature") not in (None, 1.0):
        raise call.unsupported("with a length or a temperature")
    operator = "LogSoftmax" if call.node.op == "log_softmax" else "Softmax"
    return call.add(operator, axis=call.axis(-1))


@translates("Pad", "pad")
def _pad(call: Call) -> str:
    width = call.get("pad_width")
    pads = call.integers([*width[::2], *width[1::2]], "pads")
    value = call.constant(float(call.get("constant_value", 0)), "value")
    return call.add("Pad", [*call.inputs, pads, value], mode=call.get("mode"))


@translates("batch_dot", "_linalg_gemm2")
def _batch_dot(call: Call) -> str:
    inputs = list(call.inputs)
    axes = list(range(len(call.shape_of())))
    axes[-2:] = axes[:-3:-1]
    for i, key in enumerate(("transpose_a", "transpose_b")):
        if call.get(key, False):
            inputs[i] = call.add("Transpose", [inputs[i]], key, perm=axes)
    if (scale := float(call.get("alpha", 1))) == 1:
        return call.add("MatMul", inputs)
    product = call.add("MatMul", inputs, "product")
    return call.add("Mul", [product, call.constant(scale, "alpha")])


@translates("dot")
def _dot(call: Call) -> str:
    """Matrices, either way round, or vectors along the last axis by a matrix."""
    ranks = len(call.shape_of(0)), len(call.shape_of(1))
    inputs = list(call.inputs)
    if ranks[1] != 2 or ranks[0] < 2 or (call.get("transpose_a", False) and ranks[0] != 2):
        raise call.unsupported(f"of arrays of {ranks[0]} and {ranks[1]} axes")
    for i, key in enumerate(("transpose_a", "transpose_b")):
        if call.get(key, False):
            inputs[i] = call.add("Transpose", [inputs[i]], key, perm=[1, 0])
    return call.add("MatMul", inputs)
