"""Makes a graph smaller for inference: fewer operators, the same results.

Three rewrites, in this order. What does nothing in inference (dropout, identities) is left out.
What depends on parameters alone is computed once. A BatchNorm after a convolution or a dense layer
becomes part of that layer's weights: ``scale * (W x + b - mean) + beta`` with
``scale = gamma / sqrt(var + eps)`` (Jacob et al., 2018, section 3.2,
https://arxiv.org/abs/1712.05877).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

import mxnet as mx
import numpy as np

from toolkit.deploy.fusing import keep_apart
from toolkit.deploy.graph import Graph
from toolkit.deploy.nodes import VARIABLE, Node, Nodes, Value
from toolkit.deploy.striding import pull_strides

IDENTITIES = frozenset({"_copy", "identity", "BlockGrad", "stop_gradient", "make_loss", "Dropout"})
NORMS = frozenset({"BatchNorm", "BatchNorm_v1", "SyncBatchNorm", "_contrib_SyncBatchNorm"})
RANDOM = re.compile(
    r"random|sample|shuffle|multinomial|dropout|rnn|custom|foreach|cond|while", re.I
)
# The axis of a layer's weight, reshaped to (groups, ...), that its outputs are along.
OUTPUT_AXIS = {"Convolution": 0, "Deconvolution": 1, "FullyConnected": 0}
LARGEST = 1 << 24  # elements of a constant that is worth being stored, if it is made of fewer


def fold(graph: Graph) -> Graph:
    """The same network with fewer operators; equal up to rounding.

    What the graph shares with the given one is not changed: folded weights are new arrays. The
    names of inputs, outputs' order and all parameters that are left stay as they are.
    """
    nodes = Nodes.of(graph.symbol)
    arrays = dict(graph.arrays)
    _drop_identities(nodes, arrays)
    _fold_constants(nodes, arrays)
    _fold_norms(nodes, arrays)
    pull_strides(nodes)
    symbol = keep_apart(nodes.symbol())
    left = {name: arrays[name] for name in symbol.list_inputs() if name in arrays}
    return replace(graph, symbol=symbol, arrays=left)


def _does_nothing(node: Node) -> bool:
    if node.op == "Dropout":
        return node.attrs.get("mode", "training") != "always"
    zero = node.op == "_plus_scalar" and float(node.attrs.get("scalar", 1)) == 0
    return node.op in IDENTITIES or zero


def _drop_identities(nodes: Nodes, parameters: Collection[str]) -> None:
    def source(value: Value) -> Value:
        while _does_nothing(value[0]):
            before = value[0].inputs[0]
            if before[0].op == VARIABLE and before[0].name not in parameters:
                break  # an input stays behind an operator: it may be an output, too
            value = before
        return value

    nodes.replace(source)


def _fold_constants(nodes: Nodes, arrays: dict[str, mx.nd.NDArray]) -> None:
    """Replaces what depends on parameters alone by a new parameter."""
    constant: set[Node] = set()
    for node in nodes:
        if node.op == VARIABLE:
            if node.name in arrays:
                constant.add(node)
        elif not RANDOM.search(node.op) and all(source in constant for source, _ in node.inputs):
            constant.add(node)
    frontier = dict.fromkeys(
        value
        for node in nodes
        if node not in constant
        for value in node.inputs
        if value[0] in constant and value[0].op != VARIABLE
    )
    made: dict[Value, Value] = {}
    for value in frontier:
        array = _evaluate(nodes, value, arrays)
        if array is not None:
            made[value] = _parameter(arrays, f"{value[0].name}.constant{value[1] or ''}", array)
    nodes.replace(lambda value: made.get(value, value))


def _evaluate(
    nodes: Nodes, value: Value, arrays: Mapping[str, mx.nd.NDArray]
) -> mx.nd.NDArray | None:
    """The value, or None where its shape is not settled without the inputs or it is too large."""
    symbol = Nodes([value], nodes.attrs).symbol()
    given = {name: arrays[name] for name in symbol.list_inputs()}
    try:
        shapes = symbol.infer_shape_partial(**{name: a.shape for name, a in given.items()})[1]
        most = max(LARGEST, sum(array.size for array in given.values()))
        if not shapes or 0 < np.prod(shapes[0]) <= most:
            states = {name: given.pop(name) for name in symbol.list_auxiliary_states()}
            bound = symbol.bind(mx.cpu(), given, aux_states=states, grad_req="null")
            return bound.forward(is_train=False)[0]
    except mx.MXNetError:  # takes its shape from what the inputs give
        return None
    return None


def _fold_norms(nodes: Nodes, arrays: dict[str, mx.nd.NDArray]) -> None:
    gone: dict[Node, Value] = {}
    users = nodes.users()
    for norm in list(nodes):
        if norm.op not in NORMS or norm.flag("output_mean_var"):
            continue
        layer, index = gone.get(norm.inputs[0][0], norm.inputs[0])
        # A layer that took in one BatchNorm is read by that one alone; a second one may follow.
        if users[norm.inputs[0][0]] == [norm] and _along_channels(layer, norm):
            _merge(layer, norm, arrays)
            gone[norm] = (layer, index)
    nodes.replace(lambda value: gone.get(value[0], value))


def _along_channels(layer: Node, norm: Node) -> bool:
    """Whether the normalized axis is the one of the layer's outputs."""
    if layer.op not in OUTPUT_AXIS:
        return False
    axis = int(norm.attrs.get("axis", 1))
    if layer.op == "FullyConnected":
        return axis == -1 or (axis == 1 and layer.flag("flatten", True))
    return axis == 1 and layer.attrs.get("layout", "None") in ("None", "NCW", "NCHW", "NCDHW")


def _merge(layer: Node, norm: Node, arrays: dict[str, mx.nd.NDArray]) -> None:
    """Gives the layer weights of its own that do what layer and norm did."""
    gamma, beta, mean, var = (
        arrays[source.name].asnumpy().astype(np.float64) for source, _ in norm.inputs[1:5]
    )
    eps = float(norm.attrs.get("eps", 1e-3))
    scale = (1.0 if norm.flag("fix_gamma", True) else gamma) / np.sqrt(var + eps)
    first, *others = layer.inputs
    weight = arrays[others[0][0].name]
    bias = 0.0
    if len(others) > 1:
        bias = arrays[others[1][0].name].asnumpy().astype(np.float64)
    values = {
        "weight": _scaled(layer, weight.asnumpy(), scale),
        "bias": (bias - mean) * scale + beta,
    }
    new = [
        _parameter(arrays, f"{layer.name}.folded_{kind}", mx.nd.array(value, dtype=weight.dtype))
        for kind, value in values.items()
    ]
    layer.inputs = [first, *new]
    layer.attrs["no_bias"] = "False"


def _scaled(layer: Node, weight: np.ndarray, scale: np.ndarray) -> np.ndarray:
    groups = int(layer.attrs.get("num_group", 1))
    axis = 1 + OUTPUT_AXIS[layer.op]
    grouped = weight.reshape(groups, weight.shape[0] // groups, *weight.shape[1:])
    shape = [groups, *[1] * (grouped.ndim - 1)]
    shape[axis] = -1
    return (grouped.astype(np.float64) * scale.reshape(shape)).reshape(weight.shape)


def _parameter(arrays: dict[str, mx.nd.NDArray], name: str, array: mx.nd.NDArray) -> Value:
    """A new variable of this value; a name that is taken gets a number."""
    unique, number = name, 0
    while unique in arrays:
        number += 1
        unique = f"{name}_{number}"
    arrays[unique] = array
    return Node(VARIABLE, unique, {"__shape__": str(array.shape)}), 0
