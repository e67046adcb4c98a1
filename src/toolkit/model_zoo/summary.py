"""What a network costs: parameters, multiply-adds and memory of activations, layer by layer.

The network is traced on variables, so that nothing is computed. The rules:

- Parameters are all numbers that are stored, each counted once, at its first use; ``trained`` are
  those that are learned (running statistics are not).
- A multiply-add is one multiplication with the addition that follows. Counted are the operators
  that consist of them: convolution, transposed convolution, dense layers, products of matrices and
  recurrent layers, without biases. Normalizations, activations, pooling and sums are not.
- Activation memory is that of every result of every operator, each in a place of its own: what
  training keeps, and more than inference needs at once. Results that are views (reshape, flatten,
  dropout in inference) are not counted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock

from toolkit.model_zoo.builder import get_model

Shape = tuple[int, ...]
VIEWS = {"Reshape", "reshape", "Flatten", "flatten", "expand_dims", "Dropout", "BlockGrad"}
VIEWS |= {"identity", "_copy", "squeeze", "reshape_like"}


@dataclass(frozen=True)
class Layer:
    """One operator of the network."""

    name: str
    operator: str
    output: Shape  # of its first result
    parameters: int
    multiply_adds: int
    activations: int  # bytes


@dataclass(frozen=True)
class Summary:
    """What a network costs on inputs of one shape."""

    input_shapes: tuple[Shape, ...]
    layers: tuple[Layer, ...]
    trained: int  # parameters that are learned

    @property
    def parameters(self) -> int:
        """How many numbers the network stores."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Of one pass forward, for the whole batch."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def activations(self) -> int:
        """Bytes of all intermediate results."""
        return sum(layer.activations for layer in self.layers)


def summarize(
    net_or_name: HybridBlock | str, input_shape: Shape | Sequence[Shape], *, dtype: str = "float32"
) -> Summary:
    """Counts what a network costs; nothing is computed and no weights are needed.

    Args:
        net_or_name: Any hybrid block, or the name of a model.
        input_shape: Shape of the input, batch first; a sequence of shapes for several inputs.
        dtype: Type of the numbers, for the bytes of activations.

    Raises:
        ValueError: the network does not take inputs of that shape, or the name is unknown.
    """
    net = get_model(net_or_name) if isinstance(net_or_name, str) else net_or_name
    several: Any = input_shape
    if all(isinstance(side, int) for side in input_shape):
        several = [input_shape]
    shapes: tuple[Shape, ...] = tuple(map(tuple, several))
    names = [f"data{index}" for index in range(len(shapes))]
    with mx.name.NameManager():
        outputs = net(*(mx.sym.var(name) for name in names))
    graph = json.loads(mx.sym.Group(_leaves(outputs)).tojson())
    results = _infer(graph, dict(zip(names, shapes, strict=True)))
    params = {p.name: p for p in net.collect_params().values()}
    layers, used = _layers(graph["nodes"], results, set(params), np.dtype(dtype))
    trained = sum(prod(shape) for name, shape in used.items() if params[name].grad_req != "null")
    return Summary(shapes, layers, trained)


def _leaves(outputs: Any) -> list[Any]:
    if isinstance(outputs, list | tuple):
        return [leaf for output in outputs for leaf in _leaves(output)]
    return [outputs]


def _infer(graph: Mapping[str, Any], inputs: Mapping[str, Shape]) -> list[list[Shape]]:
    """Shapes of what each node gives."""
    # Under other names: a block that is called twice gives two operators of one name.
    nodes = [
        node if node["op"] == "null" else {**node, "name": f"node{index}"}
        for index, node in enumerate(graph["nodes"])
    ]
    inner = mx.sym.load_json(json.dumps({**graph, "nodes": nodes})).get_internals()
    try:
        _, found, _ = inner.infer_shape(**inputs)
    except mx.MXNetError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ValueError(f"the network does not take inputs of {inputs}: {reason}") from error
    if found is None:
        raise ValueError(f"inputs of {inputs} leave shapes of the network unknown")
    places = {node["name"]: index for index, node in enumerate(nodes)}
    results: list[list[Shape]] = [[] for _ in nodes]
    for key, shape in zip(inner.list_outputs(), found, strict=True):
        place = places[key] if key in places else places[key.partition("_")[0]]
        results[place].append(tuple(shape))
    return results


def _layers(
    nodes: Sequence[Mapping[str, Any]],
    results: Sequence[Sequence[Shape]],
    params: Container[str],
    dtype: np.dtype[Any],
) -> tuple[tuple[Layer, ...], dict[str, Shape]]:
    """A row for each operator, and the shapes of the parameters that they use."""
    layers: list[Layer] = []
    used: dict[str, Shape] = {}
    for node, outputs in zip(nodes, results, strict=True):
        if node["op"] == "null":
            continue
        own = {nodes[index]["name"]: results[index][0] for index, *_ in node["inputs"]}
        fresh = {k: shape for k, shape in own.items() if k in params and k not in used}
        used |= fresh
        inputs = [results[index][output] for index, output, *_ in node["inputs"]]
        count = COUNTS.get(node["op"])
        kept = () if node["op"] in VIEWS else outputs
        layers.append(
            Layer(
                name=node["name"],
                operator=node["op"],
                output=outputs[0],
                parameters=sum(map(prod, fresh.values())),
                multiply_adds=count(node.get("attrs", {}), inputs, outputs[0]) if count else 0,
                activations=sum(map(prod, kept)) * dtype.itemsize,
            )
        )
    return tuple(layers), used


Attributes = Mapping[str, str]


def _of_convolution(attrs: Attributes, inputs: Sequence[Shape], output: Shape) -> int:
    return prod(output) * prod(inputs[1][1:])  # weight (out, in / groups, *kernel)


def _of_deconvolution(attrs: Attributes, inputs: Sequence[Shape], output: Shape) -> int:
    return prod(inputs[0]) * prod(inputs[1][1:])  # weight (in, out / groups, *kernel)


def _of_dense(attrs: Attributes, inputs: Sequence[Shape], output: Shape) -> int:
    return prod(output) * inputs[1][1]


def _of_product(attrs: Attributes, inputs: Sequence[Shape], output: Shape) -> int:
    transposed = attrs.get("transpose_a", "False") in ("True", "1")
    return prod(output) * inputs[0][-2 if transposed else -1]


def _of_dot(attrs: Attributes, inputs: Sequence[Shape], output: Shape) -> int:
    transposed = attrs.get("transpose_a", "False") in ("True", "1")
    return prod(output) * inputs[0][0 if transposed else -1]


def _of_recurrent(attrs: Attributes, inputs: Sequence[Shape], output: Shape) -> int:
    """Each step multiplies its input and its state by matrices, a set for each gate."""
    gates = {"lstm": 4, "gru": 3}.get(attrs["mode"], 1)
    units, layers = int(attrs["state_size"]), int(attrs["num_layers"])
    directions = 2 if attrs.get("bidirectional", "False") in ("True", "1") else 1
    steps, batch, width = inputs[0]
    below = width + (layers - 1) * directions * units
    return steps * batch * directions * gates * units * (below + layers * units)


COUNTS: Mapping[str, Callable[[Attributes, Sequence[Shape], Shape], int]] = {
    "Convolution": _of_convolution,
    "_contrib_DeformableConvolution": lambda a, i, o: _of_convolution(a, (i[0], i[2]), o),
    "_contrib_ModulatedDeformableConvolution": lambda a, i, o: _of_convolution(a, (i[0], i[3]), o),
    "Deconvolution": _of_deconvolution,
    "FullyConnected": _of_dense,
    "batch_dot": _of_product,
    "_linalg_gemm2": _of_product,
    "dot": _of_dot,
    "RNN": _of_recurrent,
}
