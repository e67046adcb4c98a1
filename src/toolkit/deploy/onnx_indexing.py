"""What MXNet's comparisons, choices and index operators become in ONNX, opset 13.

Most of them take a shape from another array. Where that array's lengths are known they are
constants; where an axis is free they are computed from the lengths of the network's inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from toolkit.deploy.onnx_builder import TRANSLATIONS, Axis, Call, translates

# MXNet's comparisons give floats; ONNX's Boolean, the two "not" ones through Not.
COMPARISONS = {
    "equal": "Equal",
    "not_equal": "Not Equal",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "lesser": "Less",
    "lesser_equal": "LessOrEqual",
    "logical_and": "And",
    "logical_or": "Or",
}
LOGICAL = ("And", "Or")
FLOAT, LONG = np.float32, np.int64


def _compare(operator: str, scalar: bool) -> Callable[[Call], str]:
    def translate(call: Call) -> str:
        inputs = list(call.inputs)
        if scalar:
            inputs.append(call.constant(float(call.get("scalar", 0)), "scalar"))
        if operator in LOGICAL:
            inputs = [call.cast(x, np.bool_, f"flag{i}") for i, x in enumerate(inputs)]
        name = operator.rpartition(" ")[2]
        found = call.add(name, inputs, "found")
        if name != operator:
            found = call.add("Not", [found], "not")
        return call.cast(found, FLOAT)

    return translate


for _name, _operator in COMPARISONS.items():
    for _spelling in (f"broadcast_{_name}", f"_{_name}"):
        TRANSLATIONS[_spelling] = _compare(_operator, scalar=False)
    TRANSLATIONS[f"_{_name}_scalar"] = _compare(_operator, scalar=True)


@translates("Cast", "cast")
def _cast(call: Call) -> str:
    return call.cast(call.inputs[0], call.get("dtype"))


@translates("where")
def _where(call: Call) -> str:
    condition = call.cast(call.inputs[0], np.bool_, "condition")
    missing = range(len(call.shape_of(0)), len(call.shape_of(1)))
    if missing:  # it chooses along the first axis
        axes = call.integers(list(missing), "axes")
        condition = call.add("Unsqueeze", [condition, axes], "rows")
    return call.add("Where", [condition, *call.inputs[1:]])


@translates("zeros_like", "ones_like")
def _like(call: Call) -> str:
    value = float(call.node.op == "ones_like")
    return _expand(call, call.constant([value], "value"), call.axes_of())


@translates("_zeros", "_ones", "_full")
def _constant(call: Call) -> str:
    value = {"_zeros": 0, "_ones": 1}.get(call.node.op, call.get("value"))
    axes = call.builder.axes(call.name)
    return _expand(call, call.constant([value], "value", call.get("dtype", "float32")), axes)


@translates("shape_array")
def _shape_array(call: Call) -> str:
    return call.add("Identity", [call.shape(call.axes_of(), "shape")])


@translates("_arange")
def _arange(call: Call) -> str:
    """How many there are is known, so it is a constant."""
    start, step = float(call.get("start", 0)), float(call.get("step", 1))
    if call.get("stop") is None and not call.get("infer_range", False):
        start = 0.0
    count, repeat = call.fixed(call.builder.axes(call.name)[0]), int(call.get("repeat", 1))
    values = (start + step * np.arange(-(-count // repeat))).repeat(repeat)[:count]
    return call.add("Identity", [call.constant(values, "values", call.get("dtype", "float32"))])


@translates("broadcast_like", "broadcast_axis", "broadcast_axes", "broadcast_to")
def _broadcast(call: Call) -> str:
    return _expand(call, call.inputs[0], call.builder.axes(call.name))


def _expand(call: Call, value: str, axes: list[Axis]) -> str:
    return call.add("Expand", [value, call.shape(axes, "shape")])


@translates("slice_like")
def _slice_like(call: Call) -> str:
    wanted = call.get("axes") or range(len(call.shape_of(1)))
    places = [place % len(call.shape_of()) for place in wanted]
    given, like = call.axes_of(), call.axes_of(1)
    places = [place for place in places if given[place] != like[place]]
    if not places:
        return call.add("Identity", call.inputs[:1])
    begin = call.integers([0] * len(places), "begin")
    end = call.shape([like[place] for place in places], "end")
    return call.add("Slice", [call.inputs[0], begin, end, call.integers(places, "axes")])


@translates("_contrib_arange_like")
def _arange_like(call: Call) -> str:
    axis = call.get("axis")
    if axis is None and len(call.axes_of()) == 1:
        axis = 0
    if axis is None or int(call.get("repeat", 1)) != 1:
        raise call.unsupported("over several axes, or with repetitions")
    return _range(call, call.axes_of()[axis], call.get("start", 0), call.get("step", 1))


def _range(call: Call, axis: Axis, start: float = 0, step: float = 1) -> str:
    """``start``, ``start + step``, ... as float32, as many as an axis is long."""
    if len(set(axis)) == 1:
        values = call.constant(np.arange(axis[0]) * step + start, "values")
        return call.add("Identity", [values], "steps")
    length = call.add("Squeeze", [call.builder.length(axis)], "length")
    ends = [call.constant(n, part, LONG) for n, part in ((0, "first"), (1, "one"))]
    steps = call.add("Range", [ends[0], length, ends[1]], "counted")
    steps = call.cast(steps, FLOAT, "steps")
    if step != 1:
        steps = call.add("Mul", [steps, call.constant(step, "step")], "spaced")
    return call.add("Add", [steps, call.constant(start, "start")], "begun") if start else steps


@translates("SequenceMask")
def _sequence_mask(call: Call) -> str:
    if not call.get("use_sequence_length", False):
        return call.add("Identity", call.inputs[:1])
    axes, axis = call.axes_of(), call.axis(0)
    steps = [1] * len(axes)
    steps[axis] = -1
    batch = [1] * len(axes)
    batch[1 - axis] = -1
    counted = _range(call, axes[axis])
    places = call.add("Reshape", [counted, call.integers(steps, "along")], "places")
    lengths = call.cast(call.inputs[1], FLOAT, "lengths")
    lengths = call.add("Reshape", [lengths, call.integers(batch, "across")], "ends")
    inside = call.add("Less", [places, lengths], "inside")
    value = call.constant(float(call.get("value", 0)), "value")
    return call.add("Where", [inside, call.inputs[0], value])


@translates("stack")
def _stack(call: Call) -> str:
    axis = call.axis(0)
    axes = call.integers([axis], "axes")
    parts = [
        call.add("Unsqueeze", [value, axes], f"part{i}") for i, value in enumerate(call.inputs)
    ]
    return call.add("Concat", parts, axis=axis)


@translates("tile")
def _tile(call: Call) -> str:
    counts, rank = list(call.get("reps")), len(call.shape_of())
    if len(counts) > rank:
        raise call.unsupported("with more axes than its input has")
    counts = [1] * (rank - len(counts)) + counts
    return call.add("Tile", [call.inputs[0], call.integers(counts, "counts")])


@translates("take")
def _take(call: Call) -> str:
    """Indices out of range go to the nearest, as MXNet's default says."""
    if call.get("mode", "clip") != "clip":
        raise call.unsupported(f"in mode {call.get('mode')}")
    last = call.fixed(call.axes_of()[call.axis(0)]) - 1
    ends = [call.constant(n, part, LONG) for n, part in ((0, "first"), (last, "last"))]
    indices = call.add("Clip", [call.cast(call.inputs[1], LONG, "ids"), *ends], "indices")
    return call.add("Gather", [call.inputs[0], indices], axis=call.axis(0))


@translates("pick")
def _pick(call: Call) -> str:
    axis = call.axis(-1)
    axes = call.integers([axis], "axes")
    ids = call.cast(call.inputs[1], LONG, "ids")
    if len(call.shape_of(1)) < len(call.shape_of()):
        ids = call.add("Unsqueeze", [ids, axes], "indices")
    if call.get("keepdims", False):
        return call.add("GatherElements", [call.inputs[0], ids], axis=axis)
    picked = call.add("GatherElements", [call.inputs[0], ids], "picked", axis=axis)
    return call.add("Squeeze", [picked, axes])


@translates("gather_nd")
def _gather_nd(call: Call) -> str:
    """MXNet's indices have their coordinates along the first axis, ONNX's along the last."""
    rank = len(call.shape_of(1))
    ids = call.cast(call.inputs[1], LONG, "ids")
    turned = call.add("Transpose", [ids], "indices", perm=[*range(1, rank), 0])
    return call.add("GatherND", [call.inputs[0], turned])


@translates("one_hot")
def _one_hot(call: Call) -> str:
    depth = call.constant(int(call.get("depth")), "depth", LONG)
    values = call.constant([call.get("off_value", 0), call.get("on_value", 1)], "values")
    return call.add("OneHot", [call.cast(call.inputs[0], LONG, "ids"), depth, values], axis=-1)


@translates("topk")
def _topk(call: Call) -> str | list[str]:
    kind, axis = call.get("ret_typ", "indices"), call.get("axis", -1)
    if kind == "mask" or axis is None:
        raise call.unsupported("as a mask, or over all axes")
    count = int(call.get("k", 1))
    largest = int(not call.get("is_ascend", False))
    length = call.integers([count], "k") if count > 0 else call.shape([call.axes_of()[axis]], "k")
    names = [f"{call.name}.best", f"{call.name}.places"]
    found = call.builder.several(
        "TopK", [call.inputs[0], length], names, axis=axis, largest=largest
    )
    if kind == "value":
        return call.add("Identity", [found[0]])
    places = call.cast(found[1], call.get("dtype", "float32"), "" if kind == "indices" else "ids")
    return places if kind == "indices" else [found[0], places]


@translates("sort", "argsort")
def _sort(call: Call) -> str:
    axis = call.get("axis", -1)
    if axis is None:
        raise call.unsupported("over all axes")
    length = call.shape([call.axes_of()[axis]], "k")
    names = [f"{call.name}.values", f"{call.name}.places"]
    largest = int(not call.get("is_ascend", True))
    values, places = call.builder.several(
        "TopK", [call.inputs[0], length], names, axis=axis, largest=largest
    )
    if call.node.op == "sort":
        return call.add("Identity", [values])
    return call.cast(places, call.get("dtype", "float32"))


@translates("argmax", "argmin")
def _argmax(call: Call) -> str:
    axis: Any = call.get("axis")
    if axis is None:
        raise call.unsupported("over all axes")
    operator = "ArgMax" if call.node.op == "argmax" else "ArgMin"
    keep = int(call.get("keepdims", False))
    return call.cast(call.add(operator, part="places", axis=axis, keepdims=keep), FLOAT)
