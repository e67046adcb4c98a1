"""Reads graphs and parameters, also those of Module checkpoints, which know no manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np

from toolkit.deploy.manifest import TensorSpec
from toolkit.utils.checkpoints import read_arrays
from toolkit.utils.checkpoints.params import TYPE_FLAGS

Specs = tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]
# What a variable is called that holds a parameter: one without a value is a gap, not an input.
PARAMETERS = (
    "weight",
    "bias",
    "gamma",
    "beta",
    "moving_mean",
    "moving_var",
    "running_mean",
    "running_var",
    "parameters",
)
# Output operators of the Module API, which want a label in training: what they are without it.
WITHOUT_LABEL = {
    "SoftmaxOutput": "SoftmaxActivation",
    "LinearRegressionOutput": "_copy",
    "MAERegressionOutput": "_copy",
    "LogisticRegressionOutput": "sigmoid",
    "SVMOutput": "_copy",
}
TRUE = ("True", "true", "1")


def read_graph(
    graph: Path, params: Path, inputs: Sequence[str] | None = None
) -> tuple[mx.sym.Symbol, dict[str, np.ndarray], Specs]:
    """The symbol, the values it needs, and what is known of its inputs and outputs.

    Args:
        graph: A symbol's JSON, of any version that MXNet upgrades.
        params: Values under the symbol's names, with or without ``arg:`` and ``aux:``.
        inputs: The inputs' names; default: every variable without a value.

    Raises:
        ValueError: the file is no graph, or variables that must have a value have none.
    """
    try:
        symbol = mx.sym.load(str(graph))
    except mx.MXNetError as error:
        raise ValueError(f"{graph} is no graph that MXNet reads: {error}") from error
    arrays = {_plain(key): value for key, value in read_arrays(params).items()}
    if inputs is None:
        symbol = drop_labels(symbol, arrays)
    names = symbol.list_inputs()
    free = [name for name in names if name not in arrays]
    states = set(symbol.list_auxiliary_states())
    gaps = [
        name
        for name in free
        if (name not in inputs if inputs is not None else _is_parameter(name, states))
    ]
    if gaps or not free:
        raise ValueError(_misfit(graph, params, gaps))
    types = symbol.attr_dict()
    specs = (
        tuple(_input(name, types.get(name, {})) for name in free),
        tuple(TensorSpec(name, None) for name in symbol.list_outputs()),
    )
    return symbol, {name: arrays[name] for name in names if name in arrays}, specs


def drop_labels(symbol: mx.sym.Symbol, arrays: Mapping[str, Any]) -> mx.sym.Symbol:
    """The graph as it is used for inference: output operators no longer ask for labels."""
    document = json.loads(symbol.tojson())
    nodes = document["nodes"]
    changed = False
    for node in nodes:
        if node["op"] not in WITHOUT_LABEL or len(node["inputs"]) != 2:
            continue
        if nodes[node["inputs"][1][0]]["name"] in arrays:
            continue
        node["op"], node["attrs"] = _inference(node["op"], node.get("attrs", {}))
        del node["inputs"][1]
        changed = True
    return mx.sym.load_json(json.dumps(document)) if changed else symbol


def _inference(op: str, attributes: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    if op == "SoftmaxOutput" and attributes.get("multi_output") in TRUE:
        return "softmax", {"axis": "1"}
    if op == "SoftmaxOutput" and attributes.get("preserve_shape") in TRUE:
        return "softmax", {"axis": "-1"}
    return WITHOUT_LABEL[op], {}


def _plain(key: str) -> str:
    return key[4:] if key.startswith(("arg:", "aux:")) else key


def _is_parameter(name: str, states: set[str]) -> bool:
    return name in states or name.endswith(PARAMETERS)


def _input(name: str, attributes: Mapping[str, str]) -> TensorSpec:
    flag = int(attributes.get("__dtype__", 0))
    return TensorSpec(name, None, TYPE_FLAGS[flag])


def _misfit(graph: Path, params: Path, gaps: Sequence[str]) -> str:
    if not gaps:
        return f"{graph} has no input: every variable of it has a value in {params}"
    more = f" and {len(gaps) - 3} more" if len(gaps) > 3 else ""
    return f"{params} has no value for {', '.join(gaps[:3])}{more} of {graph}"
