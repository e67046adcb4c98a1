"""Networks that compute in bfloat16 or float16 while their parameters stay float32.

Casts are put into the graph that a hybridized network is traced to, and are gone with the block: no
function of MXNet is replaced, as ``mxnet.contrib.amp.init`` does for the whole process, and the
lists of operators are these.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import mxnet as mx

from toolkit.utils.cpu import cpu_info
from toolkit.utils.training.graphs import graph_of, hybrid_blocks, nodes_of, rewritten

PRECISIONS = ("float32", "bfloat16", "float16")
# Computed in the low precision: these take nearly all of the time.
LOW = frozenset({"Convolution", "FullyConnected"})
# Computed in what their data comes in. All others are computed in float32.
NEUTRAL = frozenset({"BatchNorm", "Concat", "Pooling", "elemwise_add"})
NEUTRAL_ACTIVATION = "relu"
DATA_INPUTS = {"BatchNorm": 1}  # the inputs after these stay float32
NATIVE_FLAGS = frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl"})  # oneDNN's, for bfloat16
_log = logging.getLogger(__name__)


@contextmanager
def reduced(net: Any, precision: str, contexts: Sequence[mx.Context]) -> Iterator[None]:
    """Lets a hybridized network compute in a lower precision, until the end of the block.

    Devices that cannot (CPUs have no float16, and bfloat16 only with AVX-512) compute on numbers
    that are rounded to it: the results are the same, it takes longer, and a warning says so.

    Raises:
        ValueError: the network is not hybridized.
    """
    if precision == "float32":
        yield
        return
    native = all(computes_in(precision, context) for context in contexts)
    if not native:
        _log.warning("%s has no %s: float32 numbers are rounded to it", contexts[0], precision)
    if not any(block._active for block in hybrid_blocks(net)):
        raise ValueError(f"{precision} needs a graph: call net.hybridize() first")
    with rewritten(net, partial(with_casts, precision=precision, native=native)):
        yield


def computes_in(precision: str, context: mx.Context) -> bool:
    """Whether a device has operators of a precision."""
    if context.device_type == "gpu":
        return True
    return precision == "bfloat16" and cpu_info()[1] >= NATIVE_FLAGS


def with_casts(symbol: mx.sym.Symbol, precision: str, *, native: bool = True) -> mx.sym.Symbol:
    """The same graph with casts, so that `LOW` operators compute in ``precision``.

    Inputs, parameters and outputs stay float32. Where not ``native``, operators compute in float32
    on numbers that are rounded to ``precision``, and so are their results.
    """
    graph = nodes_of(symbol)
    casts = _Casts(precision, native)
    for node in graph["nodes"]:
        casts.add(node)
    heads = [casts.widened(casts.moved(head)) for head in graph["heads"]]
    return graph_of(casts.nodes, heads, graph["attrs"])


class _Casts:
    """The nodes of a graph, rewritten one after the other. An entry is a node's output."""

    def __init__(self, precision: str, native: bool) -> None:
        self.nodes: list[dict[str, Any]] = []
        self._precision, self._native = precision, native
        self._numbers: list[int] = []  # the new number of each old node
        self._low: set[tuple[int, int]] = set()  # entries of low precision
        self._casts: dict[tuple[int, int, str], list[int]] = {}  # by entry and type
        self._rounded: dict[tuple[int, int], list[int]] = {}  # what stands for an entry

    def add(self, node: dict[str, Any]) -> None:
        """Takes the next node over, its inputs cast as it needs them."""
        inputs = [self.moved(entry) for entry in node["inputs"]]
        data = DATA_INPUTS.get(node["op"], len(inputs))
        low = self._is_low(node, inputs[:data])
        if low:
            inputs[:data] = [self._cast(entry, self._precision) for entry in inputs[:data]]
        if not (low and self._native):
            inputs = [self.widened(entry) for entry in inputs]
        number = self._append({**node, "inputs": inputs})
        self._numbers.append(number)
        if low and self._native:
            self._low.add((number, 0))
        elif low:
            self._rounded[number, 0] = self._cast([number, 0, 0], self._precision)

    def moved(self, entry: list[int]) -> list[int]:
        """An entry of the old graph in the new one."""
        number, output = self._numbers[entry[0]], entry[1]
        return self._rounded.get((number, output), [number, *entry[1:]])

    def widened(self, entry: list[int]) -> list[int]:
        """An entry as float32."""
        return self._cast(entry, "float32")

    def _is_low(self, node: dict[str, Any], data: list[list[int]]) -> bool:
        neutral = node["op"] in NEUTRAL or (
            node["op"] == "Activation" and node["attrs"]["act_type"] == NEUTRAL_ACTIVATION
        )
        all_low = all((number, output) in self._low for number, output, *_ in data)
        return node["op"] in LOW or (neutral and all_low)

    def _cast(self, entry: list[int], dtype: str) -> list[int]:
        number, output = entry[:2]
        low = dtype == self._precision
        if ((number, output) in self._low) == low:
            return entry
        key = (number, output, dtype)
        if key not in self._casts:
            name = f"{self.nodes[number]['name']}_{output}_as_{dtype}"
            cast = {"op": "amp_cast", "name": name, "attrs": {"dtype": dtype}, "inputs": [entry]}
            self._casts[key] = [self._append(cast), 0, 0]
            if low:
                self._low.add((self._casts[key][0], 0))
        return self._casts[key]

    def _append(self, node: dict[str, Any]) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1
