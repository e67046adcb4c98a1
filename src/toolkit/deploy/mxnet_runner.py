"""Runs a symbolic graph in MXNet, through its fused oneDNN operators where there are any."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock, SymbolBlock

from toolkit.data.vision import ImagePreset
from toolkit.deploy.description import describe
from toolkit.deploy.fusing import keep_apart
from toolkit.deploy.graph import Graph, leaves
from toolkit.deploy.legacy import read_graph
from toolkit.deploy.loader import DEFAULTS, Files, Options, find
from toolkit.deploy.lowering import lower
from toolkit.deploy.manifest import Manifest
from toolkit.deploy.nodes import first_loop
from toolkit.deploy.runner import Runner

_log = logging.getLogger(__name__)
FUSING = "MKLDNN"  # the name MXNet knows oneDNN by
FUSED = {"fp32", "bf16"}  # what its fused operators compute in
FUSED_TYPES = {np.dtype("float32"), np.dtype([("bfloat16", np.uint16)])}  # of parameters


class MXNetRunner(Runner):
    """A graph in MXNet; ``runner.block`` is a ``SymbolBlock`` of it for use in Gluon.

    The runner itself calls a fused copy of the graph that shares the block's parameters. It is
    planned for the shapes of the last call, which nearly halves the time of a single picture;
    other shapes, such as a last, smaller batch, are planned anew in passing.
    """

    backend = "mxnet"
    errors = (mx.MXNetError,)

    def __init__(self, block: SymbolBlock, manifest: Manifest, ctx: mx.Context) -> None:
        super().__init__(manifest)
        self.block = block
        self.ctx = ctx
        self._fast: HybridBlock | None = None  # made at the first call, which has an example
        self._lock = threading.Lock()

    def _run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        given = [mx.nd.array(array, ctx=self.ctx, dtype=array.dtype) for array in arrays]
        with self._lock:  # a graph in MXNet serves one thread at a time
            if self._fast is None:
                self._fast = self._fuse(given) or self._plan()
            return _call(self._fast, given)

    def _fuse(self, arrays: Sequence[mx.nd.NDArray]) -> HybridBlock | None:
        """The graph in fused operators, or None where it runs only without them."""
        if not self._can_fuse:
            return None
        inputs, outputs = self.block._cached_graph
        fused = SymbolBlock(keep_apart(outputs), inputs, params=self.block.collect_params())
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of inputs that the fused graph does not need
                fused.optimize_for(*arrays, backend=FUSING, **self._static)
            _call(fused, arrays)
        except mx.MXNetError as error:
            _call(self.block, arrays)  # raises where it is the arrays that do not fit
            _log.warning("%s runs without fused operators: %s", self.manifest.name, error)
            return None
        return fused

    def _plan(self) -> HybridBlock:
        if self.manifest.precision != "fp32":
            self.block.hybridize(**self._static)
        return self.block

    @cached_property
    def _static(self) -> dict[str, bool]:
        """What is planned once; loops whose shapes are, too, give other numbers in MXNet 1.9.1."""
        loop = first_loop(self.block._cached_graph[1])
        return {"static_alloc": True, "static_shape": loop is None}

    @cached_property
    def _can_fuse(self) -> bool:
        """Fused operators exist for these types on the CPU; other graphs run as they are."""
        types = {np.dtype(p.dtype) for p in self.block.collect_params().values()}
        return (
            self.ctx.device_type == "cpu"
            and self.manifest.precision in FUSED
            and mx.runtime.Features().is_enabled(FUSING)
            and types <= FUSED_TYPES
        )


def _call(block: HybridBlock, arrays: Sequence[mx.nd.NDArray]) -> list[np.ndarray]:
    with mx.autograd.pause(train_mode=False):
        outputs = list(leaves(block(*arrays)))
    # All are finished before one is read: what another operator still works on may change its
    # layout in place.
    for output in outputs:
        output.wait_to_read()
    return [output.asnumpy() for output in outputs]


def open_runner(files: Files, manifest: Manifest | None, options: Options) -> MXNetRunner:
    """Reads a graph and its parameters.

    Raises:
        ValueError: the graph and the parameters do not fit each other, or the graph cannot be run
            in this precision.
    """
    graph, manifest = _read(files, manifest)
    return open_graph(graph, manifest, options)


def open_graph(graph: Graph, manifest: Manifest, options: Options = DEFAULTS) -> MXNetRunner:
    """A runner of a graph in memory."""
    ctx = options.ctx or mx.cpu()
    if options.precision not in (None, manifest.precision):
        graph, manifest = lower(graph, manifest, str(options.precision))
    return MXNetRunner(make_block(graph.symbol, manifest, graph.arrays, ctx), manifest, ctx)


def runner_of(
    net: HybridBlock,
    preprocess: ImagePreset | str | None = None,
    labels: Sequence[str] | str | None = None,
    ctx: mx.Context | None = None,
) -> MXNetRunner:
    """A runner of ``net`` as it is now, just as if it were exported and loaded.

    Raises:
        ExportError: as from ``export``.
    """
    return open_graph(*describe(net, None, preprocess, labels), Options(ctx=ctx))


def graph_of(source: HybridBlock | str | os.PathLike[str]) -> tuple[Graph, Manifest]:
    """The graph and the manifest of a network in memory, or of an export by its path."""
    if not isinstance(source, (str, os.PathLike)):
        return describe(source)
    files, manifest, _ = find(source, backend="mxnet")
    return _read(files, manifest)


def _read(files: Files, manifest: Manifest | None) -> tuple[Graph, Manifest]:
    assert files.params is not None  # the loader finds them for every graph of MXNet
    known = None if manifest is None else [spec.name for spec in manifest.inputs]
    symbol, arrays, found = read_graph(files.graph, files.params, known)
    manifest = manifest or Manifest(files.prefix.name, *found)
    inputs = tuple(spec.name for spec in manifest.inputs)
    values = {name: mx.nd.array(array, dtype=array.dtype) for name, array in arrays.items()}
    return Graph(symbol, inputs, values), manifest


def make_block(
    symbol: mx.sym.Symbol, manifest: Manifest, arrays: Mapping[str, mx.nd.NDArray], ctx: mx.Context
) -> SymbolBlock:
    """A block of the graph, with its parameters set on ``ctx``."""
    block = SymbolBlock(symbol, [mx.sym.var(s.name, dtype=s.dtype) for s in manifest.inputs])
    for name, param in block.collect_params().items():
        value = arrays[name]
        param.cast(value.dtype)
        param.shape = value.shape
        param.initialize(mx.init.Zero(), ctx=ctx)
        param.set_data(value)
    return block
