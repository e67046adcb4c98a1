"""int8 by MXNet and oneDNN, calibrated on the user's data, with accuracy before and after."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.contrib.quantization import calib_graph, quantize_graph

from toolkit.deploy.calibration import CALIBRATIONS, observer
from toolkit.deploy.exporter import write
from toolkit.deploy.folding import fold
from toolkit.deploy.fusing import keep_apart
from toolkit.deploy.graph import Graph
from toolkit.deploy.manifest import Manifest
from toolkit.deploy.mxnet_runner import graph_of, open_graph
from toolkit.deploy.nodes import Node, Nodes, first_loop
from toolkit.deploy.requantizing import note_middles, shorten, summed, widen_sums
from toolkit.deploy.scores import Score
from toolkit.utils.registry import unknown

FUSING = "MKLDNN_QUANTIZE"  # the name MXNet knows oneDNN's int8 operators by
LAYERS = frozenset({"Convolution", "FullyConnected"})
# Operators that MXNet could run in int8 and that lose more than they gain: these hold a value from
# a wide range (products, sums of features, boxes), or take time only to move bytes. Of recurrent
# layers MXNet has no int8 form that it can load again.
EXCLUDED_OPERATORS = ("BatchNorm", "Embedding", "LeakyReLU", "RNN", "elemwise_add", "elemwise_mul")


class AccuracyDropError(ValueError):
    """The int8 network is worse than what was allowed; nothing was written."""


@dataclass(frozen=True)
class QuantizationReport:
    """What became of a network."""

    name: str
    calibration: str
    batches: int  # of calibration data
    int8: int  # layers that compute in int8
    kept: tuple[str, ...]  # layers that stay in float
    before: float | None  # the score of the float network; None where none was asked for
    after: float | None  # of the int8 network

    @property
    def drop(self) -> float | None:
        """How much the score fell; below zero where it rose."""
        return None if self.before is None or self.after is None else self.before - self.after


def quantize(
    source: Any,
    path: str | os.PathLike[str],
    batches: Iterable[Any],
    *,
    calibration: str = "naive",
    exclude: Collection[str] | None = None,
    score: Score | None = None,
    max_drop: float | None = None,
) -> QuantizationReport:
    """Writes an int8 export of a network; it is loaded like any other, by MXNet.

    ``export_onnx(path, path)`` makes of it what ONNX Runtime and OpenVINO run in int8.

    BatchNorm is folded first. Weights become int8 per layer; what a layer reads is rounded to the
    range that calibration finds for it.

    Args:
        source: An initialized network with a preset of its own, or the path of a float export.
        path: The beginning of the new files' names.
        batches: Calibration data as the network takes it: arrays, or tuples of arrays where there
            are several inputs. A few hundred samples of real data.
        calibration: ``"naive"`` keeps the whole range, ``"entropy"`` clips rare large numbers.
        exclude: Names of layers (operators as the graph calls them) that stay in float. Default:
            the layers that come after no other and those that no other comes after, which have
            few multiplications and the most influence.
        score: What tells how good a runner is, higher being better: ``accuracy(...)``, or
            ``metric_score(...)`` for any other task. It is asked before and after.
        max_drop: The most that the score may fall; needs ``score``.

    Raises:
        AccuracyDropError: the score fell by more; whatever was at ``path`` is untouched.
        ValueError: no calibration data, an unknown calibration or layer, int8 already, or a loop.
    """
    if calibration not in CALIBRATIONS:
        raise ValueError(unknown("calibration", calibration, list(CALIBRATIONS)))
    if max_drop is not None and score is None:
        raise ValueError("max_drop needs score=, which says how good a network is")
    data = [batch if isinstance(batch, (tuple, list)) else (batch,) for batch in batches]
    if not data:
        raise ValueError("calibration needs at least one batch of data")
    graph, manifest = graph_of(source)
    _check_graph(graph, manifest)
    folded = fold(graph)
    kept = _kept(folded, exclude)
    made, count = _convert(folded, data, calibration, kept)
    quantized = replace(manifest, precision="int8")
    report = QuantizationReport(
        name=manifest.name,
        calibration=calibration,
        batches=len(data),
        int8=count,
        kept=tuple(sorted(kept)),
        before=None if score is None else score(open_graph(graph, manifest)),
        after=None if score is None else score(open_graph(made, quantized)),
    )
    _check(report, max_drop)
    write(Path(path), made, quantized)
    return report


def _check_graph(graph: Graph, manifest: Manifest) -> None:
    """Raises ValueError where a network cannot become int8."""
    if manifest.precision != "fp32":
        raise ValueError(f"{manifest.name} is {manifest.precision} already: give its float export")
    if loop := first_loop(graph.symbol):
        raise ValueError(
            f"{manifest.name} has a loop (layer {loop}), which MXNet cannot calibrate: int8 is for "
            "networks without"
        )


def _check(report: QuantizationReport, max_drop: float | None) -> None:
    if max_drop is None or report.drop is None or report.drop <= max_drop:  # not so for a NaN
        return
    raise AccuracyDropError(
        f"int8 costs {report.name} {report.drop:.4f} ({report.before:.4f} to "
        f"{report.after:.4f}), allowed are {max_drop:g}; try the other calibration, more data, "
        "or exclude= layers"
    )


def _kept(graph: Graph, exclude: Collection[str] | None) -> frozenset[str]:
    nodes = Nodes.of(graph.symbol)
    layers = {node.name for node in nodes if node.op in LAYERS}
    if exclude is None:
        return frozenset(_ends(nodes))
    for name in exclude:
        if name not in layers:
            raise ValueError(unknown("layer", name, sorted(layers)))
    return frozenset(exclude)


def _ends(nodes: Nodes) -> set[str]:
    """The layers that come after no other, and those that no other comes after."""
    first, last = set(), set()
    before: dict[Node, set[str]] = {}  # the nearest layers on the ways to each node
    for node in nodes:
        nearest = set().union(*(before[source] for source, _ in node.inputs))
        before[node] = nearest
        if node.op in LAYERS:
            last.add(node.name)
            last -= nearest
            before[node] = {node.name}
            if not nearest:
                first.add(node.name)
    return first | last


def _convert(
    graph: Graph, data: Sequence[Sequence[np.ndarray]], calibration: str, kept: frozenset[str]
) -> tuple[Graph, int]:
    """The graph in int8, and how many layers of it are."""
    symbol = graph.symbol.get_backend_symbol(FUSING)
    states = set(symbol.list_auxiliary_states())
    weights = {name: array for name, array in graph.arrays.items() if name not in states}
    aux = {name: array for name, array in graph.arrays.items() if name in states}
    made, _, aux, collector = quantize_graph(
        symbol,
        weights,
        aux,
        excluded_sym_names=_fused_names(symbol, kept),
        excluded_op_names=list(EXCLUDED_OPERATORS),
        calib_mode="naive",
        quantized_dtype="auto",
        quantize_mode="smart",
        logger=None,
    )
    run = observer(symbol, graph.arrays, graph.inputs, data, collector.include_layer)
    collector.min_max_dict = CALIBRATIONS[calibration](run)
    made, arguments, aux = calib_graph(
        made, weights, aux, collector, calib_mode="naive", quantized_dtype="auto", logger=None
    )
    made = widen_sums(shorten(made.get_backend_symbol(FUSING)))
    made = note_middles(made, _middle_ranges(graph, made, data, calibration))
    names = made.list_inputs()
    arrays = {name: {**arguments, **aux}[name] for name in names if name not in graph.inputs}
    count = sum(node.flag("quantized") for node in Nodes.of(made))
    return replace(graph, symbol=made, arrays=arrays), count


def _middle_ranges(
    graph: Graph, made: mx.sym.Symbol, data: Sequence[Sequence[np.ndarray]], calibration: str
) -> dict[str, tuple[float, float]]:
    """The ranges of layers, in front of the sums that are one operator with them."""
    layers = list(summed(made).values())
    if not layers:
        return {}
    inner = graph.symbol.get_internals()
    apart = keep_apart(mx.sym.Group([graph.symbol, *(inner[f"{name}_output"] for name in layers)]))
    names = {f"{layer}_kept_output": layer for layer in layers}  # as the sums' operators begin now
    found = CALIBRATIONS[calibration](observer(apart, graph.arrays, graph.inputs, data, names))
    return {layer: found[name] for name, layer in names.items()}


def _fused_names(symbol: mx.sym.Symbol, layers: Collection[str]) -> list[str]:
    """What the operators are called that layers became part of."""
    return [
        node.name
        for node in Nodes.of(symbol)
        if node.name in layers
        or any(inner["name"] in layers for graph in node.subgraphs for inner in graph["nodes"])
    ]
