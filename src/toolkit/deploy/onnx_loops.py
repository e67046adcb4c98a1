"""What MXNet's ``foreach`` becomes in ONNX: a Scan, whose body is translated like a graph."""

from __future__ import annotations

import json
from typing import Any

import mxnet as mx

from toolkit.deploy.nodes import Nodes
from toolkit.deploy.onnx_builder import SIZES, Axis, Builder, Call, shapes_of, translate, translates


@translates("_foreach")
def _scan(call: Call) -> list[str]:
    """Steps along the first axis of the data; what does not change is read from outside."""
    version = json.loads(mx.sym.var("x").tojson())["attrs"]  # bodies are saved without theirs
    body = mx.sym.load_json(json.dumps({**call.node.subgraphs[0], "attrs": version}))
    known = body.list_inputs()
    groups = [[known[i] for i in call.get(f"in_{kind}_locs")] for kind in ("data", "state")]
    data, states = groups
    rest = [known[i] for i in call.get("remain_locs")]
    axes = {name: call.axes_of(i) for i, name in enumerate([*data, *states, *rest])}
    axes |= {name: axes[name][1:] for name in data}
    names = {name: f"{call.name}.{name}" for name in [*data, *states]}
    names |= dict(zip(rest, call.inputs[len(names) :], strict=True))
    outer = call.builder
    inner = Builder(
        [shapes_of(body, _at(axes, place)) for place in range(len(SIZES))],
        outer.free,
        outer.opset,
        constants=outer.constants,
        outer=outer,
    )
    nodes = Nodes.of(body)
    results = translate(nodes, inner, names)
    ends = [f"{call.name}.end{i}" for i in range(len(nodes.outputs))]
    for end, (node, index) in zip(ends, nodes.outputs, strict=True):
        inner.add("Identity", [results[node][index]], end)
    shapes = [inner.axes(node.name, index) for node, index in nodes.outputs]
    count = int(call.get("num_out_data"))  # first of the ends, and last of a Scan's results
    order = [*range(count, len(ends)), *range(count)]
    graph = _graph(
        call.name,
        inner,
        {names[name]: axes[name] for name in [*states, *data]},
        {ends[i]: shapes[i] for i in order},
    )
    made = [call.name, *(f"{call.name}.{i}" for i in range(1, len(ends)))]
    given = [*call.inputs[len(data) : len(data) + len(states)], *call.inputs[: len(data)]]
    found = outer.several(
        "Scan", given, [made[i] for i in order], body=graph, num_scan_inputs=len(data)
    )
    return [found[order.index(i)] for i in range(len(ends))]


def _at(axes: dict[str, list[Axis]], place: int) -> dict[str, tuple[int, ...]]:
    """Shapes at one of ``SIZES``."""
    return {name: tuple(axis[place] for axis in row) for name, row in axes.items()}


def _graph(
    name: str, builder: Builder, inputs: dict[str, list[Axis]], outputs: dict[str, list[Axis]]
) -> Any:
    import onnx

    def values(rows: dict[str, list[Axis]]) -> list[Any]:
        kind = onnx.TensorProto.FLOAT
        return [
            onnx.helper.make_tensor_value_info(
                key, kind, [axis[0] if len(set(axis)) == 1 else None for axis in row]
            )
            for key, row in rows.items()
        ]

    return onnx.helper.make_graph(builder.nodes, f"{name}.body", values(inputs), values(outputs))
