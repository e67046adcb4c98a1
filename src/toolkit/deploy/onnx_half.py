"""An ONNX model with weights and layers in float16: half the file, for accelerators and stores.

Convolutions and products compute in float16, and so does what only passes their results on;
vectors of words are kept in it.
Inputs, outputs, normalizations, and what follows the last layers (probabilities, boxes and their
suppression) stay float32.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

LAYERS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
TABLE = "Gather"  # vectors of words
# Computed in float16 where all that they read comes in it: nothing grows or vanishes in them.
NEUTRAL = frozenset({"Add", "Clip", "Identity", "LeakyRelu", "Relu", "Sigmoid", "Tanh"})
NEUTRAL |= {"AveragePool", "Concat", "GlobalAveragePool", "MaxPool", "Slice", "Split"}
NEUTRAL |= {"Flatten", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
GREATEST = float(np.finfo(np.float16).max)


def to_float16(onnx: Any, model: Any) -> Any:
    """The same model, checked, with layers in float16.

    Args:
        onnx: The module.
        model: A float32 ``onnx.ModelProto`` with the types of all results; it is not changed.

    Raises:
        ValueError: a weight is beyond what float16 holds (65504), the network finds regions
            halfway, whose corners float16 would move, has loops, or more than two gigabytes of
            weights.
    """
    if any(node.op_type == "RoiAlign" for node in model.graph.node):
        raise ValueError(
            f"{model.graph.name} finds regions and looks at them again (RoiAlign): float16 would "
            "move their corners; export it in float32"
        )
    if any(node.op_type == "Scan" for node in model.graph.node):
        raise ValueError(f"{model.graph.name} has loops, whose bodies are float32; export it so")
    if any(tensor.external_data for tensor in model.graph.initializer):
        raise ValueError(f"{model.graph.name} has more than two gigabytes of weights")
    made = type(model)()
    made.CopyFrom(model)
    casts = _Casts(onnx, model.graph)
    kept = _last(model.graph.node)
    for node in model.graph.node:
        casts.add(node, keep=node.name in kept)
    del made.graph.node[:], made.graph.initializer[:], made.graph.value_info[:]
    made.graph.node.extend(casts.nodes)
    used = {name for node in casts.nodes for name in node.input}
    made.graph.initializer.extend(t for name, t in casts.weights.items() if name in used)
    made = onnx.shape_inference.infer_shapes(made, strict_mode=True)
    onnx.checker.check_model(made, full_check=True)
    return made


def _last(nodes: Iterable[Any]) -> frozenset[str]:
    """The names of the nodes whose results reach no layer."""
    read: set[str] = set()
    kept = []
    for node in reversed(list(nodes)):  # from the outputs on: what reads a result comes before it
        if node.op_type in LAYERS or read.intersection(node.output):
            read.update(node.input)
        else:
            kept.append(node.name)
    return frozenset(kept)


class _Casts:
    """The nodes of a graph, taken over one after the other, with casts where types change."""

    def __init__(self, onnx: Any, graph: Any) -> None:
        self._onnx = onnx
        self.nodes: list[Any] = []
        self.weights = {tensor.name: tensor for tensor in graph.initializer}
        values = [*graph.input, *graph.value_info]
        floats = onnx.TensorProto.FLOAT
        self._floats = {v.name for v in values if v.type.tensor_type.elem_type == floats}
        self._floats |= {name for name, t in self.weights.items() if t.data_type == floats}
        self._half: set[str] = set()  # results in float16
        self._made: set[str] = set()  # what casts gave

    def add(self, node: Any, *, keep: bool) -> None:
        """Takes the next node over."""
        given = [name for name in node.input if name in self._floats]
        neutral = node.op_type in NEUTRAL and bool(given)
        low = (
            node.op_type in LAYERS
            or (node.op_type == TABLE and node.input[0] in self.weights)
            or (neutral and all(name in self._half for name in given))
        )
        cast = self._half_of if low and not keep else self._float_of
        copy = type(node)()
        copy.CopyFrom(node)
        copy.input[:] = [cast(name) if name in self._floats else name for name in node.input]
        self.nodes.append(copy)
        if low and not keep:
            self._half.update(node.output)

    def _half_of(self, name: str) -> str:
        if name in self._half:
            return name
        made = f"{name}.fp16"
        if name not in self.weights:
            return self._cast(name, made, "FLOAT16")
        if made not in self.weights:
            array = self._onnx.numpy_helper.to_array(self.weights[name])
            if (greatest := np.abs(array).max(initial=0)) > GREATEST:
                raise ValueError(
                    f"{name} has numbers up to {greatest:g}; float16 holds {GREATEST:g} at most"
                )
            half = self._onnx.numpy_helper.from_array(array.astype(np.float16), made)
            self.weights[made] = half
        return made

    def _float_of(self, name: str) -> str:
        return self._cast(name, f"{name}.fp32", "FLOAT") if name in self._half else name

    def _cast(self, name: str, made: str, kind: str) -> str:
        if made not in self._made:
            self._made.add(made)
            to = getattr(self._onnx.TensorProto, kind)
            self.nodes.append(self._onnx.helper.make_node("Cast", [name], [made], made, to=to))
        return made
