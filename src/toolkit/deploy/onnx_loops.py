"""What MXNet's ``foreach`` becomes in ONNX: a Scan, whose body is translated like a graph."""

from __future__ import annotations

import json
from typing import Any

import mxnet as mx

from toolkit.deploy.nodes import Nodes
from toolkit.deploy.onnx_builder import SIZES, Axis, Builder, Call, shapes_of, translate, translates


@translates("_foreach")
def _scan(call: Call) -> list[str]:
    """Steps along the first axis of the data.

    What does not change is read from outside if it is constant, and handed from step to step if it
    is computed: OpenVINO does not look outside for that.
    """
    version = json.loads(mx.sym.var("x").tojson())["attrs"]  # bodies are saved without theirs
    body = mx.sym.load_json(json.dumps({**call.node.subgraphs[0], "attrs": version}))
    known, outer = body.list_inputs(), call.builder
    data, states, rest = (
        [known[i] for i in call.get(f"{kind}_locs")] for kind in ("in_data", "in_state", "remain")
    )
    given = dict(zip([*data, *states, *rest], call.inputs, strict=True))
    axes = {name: call.axes_of(place) for place, name in enumerate(given)}
    axes |= {name: axes[name][1:] for name in data}
    handed = [name for name in rest if given[name] not in outer.constants]
    entries = [*states, *handed, *data]
    names = {**given, **{name: f"{call.name}.{name}" for name in entries}}
    probes = [shapes_of(body, _at(axes, place)) for place in range(len(SIZES))]
    inner = Builder(probes, outer.free, outer.opset, constants=outer.constants, outer=outer)
    nodes = Nodes.of(body)
    results = translate(nodes, inner, names)
    ends = {
        inner.add("Identity", [results[node][index]], f"{call.name}.end{place}"): inner.axes(
            node.name, index
        )
        for place, (node, index) in enumerate(nodes.outputs)
    }
    same = {inner.add("Identity", [names[n]], f"{names[n]}.same"): axes[n] for n in handed}
    count = int(call.get("num_out_data"))  # of the ends: those of the data come first
    rows = list(ends.items())
    exits = {**dict(rows[count:]), **same, **dict(rows[:count])}
    graph = _graph(call.name, inner, {names[name]: axes[name] for name in entries}, exits)
    made = {end: f"{call.name}.{place}" if place else call.name for place, end in enumerate(ends)}
    made |= {end: f"{end}.after" for end in same}
    inputs, outputs = [given[name] for name in entries], [made[end] for end in exits]
    outer.several("Scan", inputs, outputs, body=graph, num_scan_inputs=len(data))
    return [made[end] for end in ends]


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
