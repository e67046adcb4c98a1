"""A network in memory, described as an export describes it: its graph and its manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.gluon import Block, HybridBlock

from toolkit import __version__
from toolkit.data.vision import ImagePreset
from toolkit.deploy.graph import Graph, compose, leaves, trace
from toolkit.deploy.lookup import find_labels, find_preset
from toolkit.deploy.manifest import Manifest, TensorSpec


class ExportError(ValueError):
    """A network that cannot be written down as a graph, or not with this example."""


def describe(
    net: HybridBlock,
    example: Any = None,
    preprocess: ImagePreset | str | None = None,
    labels: Sequence[str] | str | None = None,
) -> tuple[Graph, Manifest]:
    """The graph and the manifest (without files) of ``net``; arguments as those of ``export``."""
    if not isinstance(net, HybridBlock):
        raise TypeError(
            f"{type(net).__name__} is no HybridBlock: only a network that is written with "
            f"hybrid_forward has a graph"
            + ("; derive from HybridBlock" if isinstance(net, Block) else "")
        )
    info = getattr(net, "info", None)
    preset = find_preset(preprocess or (info and info.preprocess))
    arrays = _example(example, preset)
    if preset is not None and preprocess is None:
        preset = _resized(preset, arrays)
    graph = _trace(net, arrays)
    inputs, outputs = _specs(graph, arrays)
    manifest = Manifest(
        name=info.name if info else type(net).__name__,
        task=info.task if info else None,
        inputs=inputs,
        outputs=outputs,
        preprocess=None if preset is None else preset.to_dict(),
        labels=find_labels(_own_labels(net) if labels is None else labels),
        versions={"mxnet": mx.__version__, "toolkit": __version__},
    )
    return graph, _checked(manifest)


def _own_labels(net: HybridBlock) -> str | None:
    info = getattr(net, "info", None)
    return info.labels if info and getattr(net, "classes", None) == info.classes else None


def _example(example: Any, preset: ImagePreset | None) -> list[Any]:
    """The arguments of one call, as arrays of MXNet on the CPU."""
    if example is None:
        if preset is None:
            raise ExportError(
                "nothing says what the network takes: give an example (an array, or a tuple of "
                "arrays where it has several inputs), or a preset as preprocess"
            )
        example = np.zeros((1, 3, *preset.size), np.float32)
    return [_to_array(e) for e in (example if isinstance(example, (list, tuple)) else [example])]


def _to_array(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_to_array(item) for item in value]
    if isinstance(value, mx.nd.NDArray):
        return value.as_in_context(mx.cpu())
    value = np.asarray(value)
    if value.dtype.kind not in "biuf":
        raise TypeError(f"an example is made of arrays of numbers, got {value.dtype}")
    dtype = np.float32 if value.dtype == np.float64 else value.dtype
    return mx.nd.array(value, ctx=mx.cpu(), dtype=dtype)


def _resized(preset: ImagePreset, arrays: list[Any]) -> ImagePreset:
    """The preset for pictures of the example's size."""
    shape = next(leaves(arrays)).shape
    fits = len(shape) != 4 or shape[2:] == preset.size
    return preset if fits else preset.with_size(shape[2:])


def _trace(net: HybridBlock, arrays: list[Any]) -> Graph:
    try:
        symbol, inputs = compose(net, arrays)
    except Exception as error:  # whatever the network's own code raises
        raise ExportError(
            f"{type(net).__name__} cannot be written down as a graph; its hybrid_forward failed on "
            f"variables of {len(list(leaves(arrays)))} input(s): {type(error).__name__}: {error}"
        ) from error
    params = {p.name: p for p in net.collect_params().values()}
    used = [params[name] for name in symbol.list_inputs() if name in params]
    missing = [p.name for p in used if p._data is None and not p._deferred_init]
    if missing:
        raise ExportError(
            f"{type(net).__name__} has {len(missing)} parameters without a value ({missing[0]}, "
            "...): load weights, or call net.initialize()"
        )
    stray = sorted(set(symbol.list_inputs()) - set(params) - set(inputs))
    if stray:
        raise ExportError(f"{type(net).__name__} makes variables of its own: {', '.join(stray)}")
    if any(p._data is None for p in used):
        _finish_initialization(net, arrays, used[0].list_ctx()[0])
    return trace(net, symbol, inputs)


def _finish_initialization(net: HybridBlock, arrays: list[Any], ctx: mx.Context) -> None:
    """Runs the network once: parameters of unknown shape get their values then."""

    def move(value: Any) -> Any:
        return [move(v) for v in value] if isinstance(value, list) else value.as_in_context(ctx)

    try:
        net(*move(arrays))
        mx.nd.waitall()
    except Exception as error:  # whatever the network's own code raises
        raise ExportError(f"{type(net).__name__} failed on {_shapes(arrays)}: {error}") from error


def _shapes(arrays: list[Any]) -> str:
    return ", ".join(str(array.shape) for array in leaves(arrays))


def _specs(
    graph: Graph, arrays: list[Any]
) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Inputs and outputs; axes that follow the batch or a text's length are free."""
    flat = dict(zip(graph.inputs, leaves(arrays), strict=True))
    shapes = {name: array.shape for name, array in flat.items()}
    types = {name: array.dtype for name, array in [*flat.items(), *graph.arrays.items()]}
    try:
        found = graph.symbol.infer_shape(**shapes)[1]
        dtypes = graph.symbol.infer_type(**types)[1]
    except mx.MXNetError as error:
        raise ExportError(f"the network does not take {_shapes(arrays)}: {error}") from error
    names = graph.symbol.list_outputs()
    found = found or [None] * len(names)
    sizes, outputs = [shapes], [found]
    for larger in (_with_larger_batch(shapes), _with_longer_texts(shapes)):
        grown = None if larger == shapes else _try_shapes(graph.symbol, larger)
        if grown is not None:
            sizes.append(larger)
            outputs.append(grown)
    inputs = [_spec(n, [size[n] for size in sizes], flat[n].dtype) for n in shapes]
    ways = zip(*outputs, strict=True)
    made = map(_spec, names, ways, dtypes or [np.float32] * len(names))
    return tuple(inputs), tuple(made)


def _with_larger_batch(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    batch = next(iter(shapes.values()))[:1]
    return {n: (s[0] + 1, *s[1:]) if s and s[:1] == batch else s for n, s in shapes.items()}


def _with_longer_texts(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Another length of what is (N, T), or of spelled words (N, T, characters) beside it.

    One more, which a network of features does not take.
    """
    first = next(iter(shapes.values()))
    spelled = len(first) == 3 and first[:2] in shapes.values()
    if len(first) != 2 and not spelled:
        return dict(shapes)
    return {n: (s[0], s[1] + 1, *s[2:]) if s[1:2] == first[1:2] else s for n, s in shapes.items()}


def _try_shapes(symbol: mx.sym.Symbol, shapes: Mapping[str, tuple[int, ...]]) -> list[Any] | None:
    try:
        return symbol.infer_shape(**shapes)[1]
    except mx.MXNetError:  # the graph is bound to the batch size of the example
        return None


def _spec(name: str, shapes: Sequence[Any], dtype: Any) -> TensorSpec:
    """What the shapes at several sizes of the inputs have in common."""
    if any(shape is None for shape in shapes):
        return TensorSpec(name, None, np.dtype(dtype).name)
    axes = zip(*shapes, strict=True)
    free = tuple(axis[0] if len(set(axis)) == 1 else None for axis in axes)
    return TensorSpec(name, free, np.dtype(dtype).name)


def _checked(manifest: Manifest) -> Manifest:
    shape, labels = manifest.outputs[0].shape, manifest.labels
    if labels is not None and shape is not None and len(shape) == 2 and shape[1] != len(labels):
        raise ExportError(f"{len(labels)} labels for a network of {shape[1]} classes")
    return manifest
