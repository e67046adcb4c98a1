"""Writes a network as an ONNX file that the runtimes take without further work."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.deploy import (  # noqa: F401  (they register what they translate)
    onnx_arrays,
    onnx_deformable,
    onnx_detection,
    onnx_indexing,
    onnx_large,
    onnx_layers,
    onnx_loops,
    onnx_multibox,
    onnx_quantized,
    onnx_recurrent,
)
from toolkit.deploy.exporter import move_together, staged
from toolkit.deploy.folding import fold
from toolkit.deploy.graph import Graph
from toolkit.deploy.lookup import file_of
from toolkit.deploy.manifest import SUFFIX, Manifest, TensorSpec
from toolkit.deploy.mxnet_runner import graph_of
from toolkit.deploy.nodes import VARIABLE, Nodes
from toolkit.deploy.onnx_builder import (
    SIZES,
    TRANSLATIONS,
    Axis,
    Builder,
    Shape,
    UnsupportedOperatorError,
    shapes_of,
    translate,
)
from toolkit.deploy.onnx_half import to_float16
from toolkit.deploy.onnx_large import DATA

ONNX = ".onnx"
OPSET, IR_VERSION = 13, 8  # what every runtime of the last years reads
# Operators that ONNX has only since a later opset, which is used where they are.
LATER = {
    "BilinearSampler": 16,
    "_contrib_ROIAlign": 16,  # regions that are not shifted by half a pixel
    "_contrib_DeformableConvolution": 19,
    "_contrib_ModulatedDeformableConvolution": 19,
}
LATEST, LATEST_IR_VERSION = 19, 9
FP16 = "fp16"
BATCH, LENGTH = "N", "T"  # the names of the axes that take any length


def export_onnx(source: Any, path: str | os.PathLike[str], *, precision: str | None = None) -> Path:
    """Writes ``path.onnx`` and ``path-manifest.json``, which ``load`` and every ONNX runtime take.

    Weights of more than two gigabytes go into ``path.onnx.data``, which the model refers to. The
    graph is folded, of opset 13 and IR version 8 (16 for region alignment, 19 and IR
    version 9 for deformable convolutions), checked, with the shapes of all results inferred and
    weights as initializers only. It takes any batch size, and any length where the network does.
    An int8 export becomes one of QuantizeLinear and DequantizeLinear, with the same ranges.

    Args:
        source: An initialized network with a preset of its own, or the path of an export.
        path: The beginning of the files' names. Where it is the export's own, its manifest lists
            the new file beside the old ones.
        precision: ``"fp16"`` writes a float network with weights and results in float16, half as
            large, for accelerators; inputs, outputs and what follows the last layers stay float32.
            Default: the source's own.

    Returns:
        The path of the ONNX file.

    Raises:
        ValueError: the source has no such precision; float16 cannot hold a weight, or would move
            regions; a float16 file was to lie at its float export's path.
        UnsupportedOperatorError: an operator has no counterpart; it and its layer are named.
        ModuleNotFoundError: onnx is not installed.
    """
    try:
        onnx = importlib.import_module("onnx")
    except ModuleNotFoundError as error:
        advice = "exports to ONNX need onnx: pip install 'gluon-toolkit[onnx]'"
        raise ModuleNotFoundError(f"{advice} ({error})", name="onnx") from error
    prefix = Path(path)
    own = isinstance(source, (str, os.PathLike)) and Path(source) == prefix
    graph, manifest = graph_of(source)
    half = _is_half(precision, manifest, prefix if own else None)
    if manifest.precision == "fp32":
        graph = fold(graph)
    with staged(prefix) as stage:
        file, data = stage / f"new{ONNX}", stage / f"{prefix.name}{DATA}"
        model = convert(onnx, graph, manifest, data)
        if half:
            model, manifest = to_float16(onnx, model), replace(manifest, precision=FP16)
        onnx.save(model, str(file))
        made = {ONNX: file}
        if data.exists():
            onnx.checker.check_model(str(file), full_check=True)
            made[DATA] = data
        added = manifest.with_files(made).files
        files = {**manifest.files, **added} if own else added
        made[SUFFIX] = stage / f"new{SUFFIX}"
        text = replace(manifest, files=files).to_json()
        made[SUFFIX].write_text(text, encoding="utf-8", newline="\n")
        move_together({new: file_of(prefix, suffix) for suffix, new in made.items()}, stage)
    return file_of(prefix, ONNX)


def _is_half(precision: str | None, manifest: Manifest, own: Path | None) -> bool:
    """Whether a float network is to be written in float16; ``own`` is where its export lies."""
    if precision in (None, manifest.precision):
        return False
    if (precision, manifest.precision) != (FP16, "fp32"):
        raise ValueError(
            f"{manifest.name} is {manifest.precision} and was to be {precision}: a float network "
            f"can be written in {FP16}; quantize makes int8 exports"
        )
    if own is not None:
        raise ValueError(f"{own} is a float export: give its {FP16} file another path")
    return True


def convert(onnx: Any, graph: Graph, manifest: Manifest, data: Path) -> Any:
    """The model of a graph, checked unless its weights are so many that they go into ``data``."""
    nodes = Nodes.of(graph.symbol)
    _check_operators(nodes)
    operators = {op for op, _ in _operators(nodes)}
    opset = max(OPSET, *(LATER.get(operator, OPSET) for operator in operators))
    builder = Builder([_shapes(graph, manifest, *size) for size in SIZES], _free(manifest), opset)
    builder.constants |= {name: array.asnumpy() for name, array in graph.arrays.items()}
    results = translate(nodes, builder, {})
    names = [spec.name for spec in manifest.outputs]
    for name, (node, index) in zip(names, nodes.outputs, strict=True):
        builder.add("Identity", [results[node][index]], name)
    outputs = {
        name: builder.axes(node.name, index)
        for name, (node, index) in zip(names, nodes.outputs, strict=True)
    }
    used = set(_read(builder.nodes))
    arrays = {
        name: np.asarray(array, order="C")
        for name, array in builder.constants.items()
        if name in used
    }
    large = sum(array.nbytes for array in arrays.values()) > onnx_large.MOST
    initializers = onnx_large.tensors(arrays, data if large else None)
    model = _model(onnx, builder, manifest, outputs=outputs, initializers=initializers)
    if not large:
        onnx.checker.check_model(model, full_check=True)
    return model


def _read(nodes: Iterable[Any]) -> Iterator[str]:
    """What nodes read, those of loops in them, too."""
    for node in nodes:
        yield from node.input
        for attribute in node.attribute:
            yield from _read(attribute.g.node)


def _check_operators(nodes: Nodes) -> None:
    missing: dict[str, list[str]] = {}
    for op, name in _operators(nodes):
        if op not in TRANSLATIONS:
            missing.setdefault(op, []).append(name)
    if missing:
        rows = (f"{op} (layer {names[0]}, {len(names)} in all)" for op, names in missing.items())
        raise UnsupportedOperatorError(f"ONNX has no counterpart here of {', '.join(rows)}")


def _operators(nodes: Nodes) -> Iterator[tuple[str, str]]:
    """Operators and their names, those in loops, too."""
    for node in nodes:
        if node.op != VARIABLE:
            yield node.op, node.name
        for body in node.subgraphs:
            yield from ((row["op"], row["name"]) for row in body["nodes"] if row["op"] != VARIABLE)


def _free(manifest: Manifest) -> tuple[tuple[str, int] | None, tuple[str, int] | None]:
    """Where N and T are read: the first input and axis that is free, the batch first of all."""
    rows = [
        (spec.name, place)
        for spec in manifest.inputs
        for place, length in enumerate(spec.shape or ())
        if length is None
    ]
    batch = next((row for row in rows if row[1] == 0), None)
    return batch, next((row for row in rows if row[1] > 0), None)


def _shapes(graph: Graph, manifest: Manifest, batch: int, length: int) -> Mapping[str, list[Shape]]:
    """The shapes of each node's results."""
    given = {}
    for spec in manifest.inputs:
        if spec.shape is None:
            raise ValueError(
                f"the shape of input {spec.name} is not known: export the network with an example"
            )
        free = [length if place else batch for place in range(len(spec.shape))]
        given[spec.name] = tuple(
            a if n is None else n for n, a in zip(spec.shape, free, strict=True)
        )
    given.update({name: array.shape for name, array in graph.arrays.items()})
    return shapes_of(graph.symbol, given)


def _model(
    onnx: Any,
    builder: Builder,
    manifest: Manifest,
    *,
    outputs: Mapping[str, list[Axis]],
    initializers: Sequence[Any],
) -> Any:
    helper = onnx.helper
    given = [_value(onnx, spec, _input_axes(spec)) for spec in manifest.inputs]
    made = [_value(onnx, spec, _output_axes(outputs[spec.name])) for spec in manifest.outputs]
    graph = helper.make_graph(builder.nodes, manifest.name, given, made, initializers)
    opsets = [helper.make_opsetid("", builder.opset)]
    version = LATEST_IR_VERSION if builder.opset == LATEST else IR_VERSION
    model = helper.make_model(
        graph, opset_imports=opsets, ir_version=version, producer_name="toolkit"
    )
    return onnx.shape_inference.infer_shapes(model, strict_mode=True)


def _input_axes(spec: TensorSpec) -> list[int | str]:
    free = [LENGTH if place else BATCH for place in range(len(spec.shape or ()))]
    return [a if n is None else n for n, a in zip(spec.shape or (), free, strict=True)]


def _output_axes(axes: Sequence[Axis]) -> list[int | str | None]:
    """Lengths, the names of N and T, and None for what is computed of them."""
    names = {tuple(size[i] for size in SIZES): name for i, name in enumerate((BATCH, LENGTH))}
    return [axis[0] if len(set(axis)) == 1 else names.get(axis) for axis in axes]


def _value(onnx: Any, spec: TensorSpec, axes: Sequence[int | str | None]) -> Any:
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype))
    return onnx.helper.make_tensor_value_info(spec.name, kind, list(axes))
