"""The symbolic graph of a network, named by the network's structure.

Gluon names parameters and operators by counters of the process, so that the same network gives
another file each time. Here a parameter is called as in ``net.save_parameters``
(``backbone.stem.conv.weight``) and an operator by the block it stands in
(``backbone.stem.conv.fwd``), which is the same in every process, and distinct.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock

from toolkit.deploy.fusing import keep_apart

# What a variable carries from training, or from the moment it was first used in a graph.
TRANSIENT = ("__init__", "__lr_mult__", "__wd_mult__", "__shape__", "__storage_type__")
SUBGRAPH = "__subgraph_name__"  # numbered by a counter of the process; of no use once cut


@dataclass(frozen=True)
class Graph:
    """A network as data: a symbol and the arrays of its parameters."""

    symbol: mx.sym.Symbol
    inputs: tuple[str, ...]  # the names of its inputs, in order
    arrays: dict[str, mx.nd.NDArray]  # by name of argument or auxiliary state, in the graph's order

    def prefixed(self) -> dict[str, mx.nd.NDArray]:
        """The arrays under the keys of a ``.params`` file: ``arg:`` or ``aux:`` and the name."""
        states = set(self.symbol.list_auxiliary_states())
        return {("aux:" if k in states else "arg:") + k: v for k, v in self.arrays.items()}


def compose(net: HybridBlock, example: Any) -> tuple[mx.sym.Symbol, tuple[str, ...]]:
    """Calls ``net`` on variables in place of the arrays of ``example``, a tuple that may nest.

    Returns:
        All outputs as one symbol, nested ones flattened, and the names of the inputs: ``data``, or
        ``data0``, ``data1``, ... where there are several, as in Gluon's own exports.
    """
    count = len(list(leaves(example)))
    names = tuple(["data"] if count == 1 else [f"data{i}" for i in range(count)])
    variables = iter([mx.sym.var(name) for name in names])
    arguments = _rebuild(example, lambda _: next(variables))
    with mx.name.NameManager():
        outputs = net(*arguments)
    flat = list(leaves(outputs))
    if not flat or not all(isinstance(output, mx.sym.Symbol) for output in flat):
        raise TypeError(f"the network gives {type(outputs).__name__}, not arrays, on variables")
    return (flat[0] if len(flat) == 1 else mx.sym.Group(flat)), names


def trace(net: HybridBlock, symbol: mx.sym.Symbol, inputs: tuple[str, ...]) -> Graph:
    """The graph that ``compose`` found, with the network's present values and lasting names."""
    places = {k: k if v in inputs else v for k, v in parameter_places(net).items()}
    used = set(symbol.list_inputs())
    mx.nd.waitall()  # a network under way may be rewriting its weights into oneDNN's layout
    arrays = {
        places[p.name]: p._reduce().tostype("default")
        for p in net.collect_params().values()
        if p.name in used
    }
    rename = Renaming(places, block_places(net), inputs)
    shapes = {name: array.shape for name, array in arrays.items()}
    document = json.loads(symbol.tojson())
    _rewrite(document, rename, shapes)
    symbol = keep_apart(mx.sym.load_json(json.dumps(document)))
    return Graph(symbol, inputs, {k: arrays[k] for k in symbol.list_inputs() if k in arrays})


def parameter_places(net: HybridBlock) -> dict[str, str]:
    """Where each parameter stands in the structure, by its name, in order of construction."""
    places: dict[str, str] = {}
    for place, parameter in net._collect_params_with_prefix().items():
        places.setdefault(parameter.name, place)
    for name in net.collect_params():
        places.setdefault(name, name)
    return places


def block_places(net: HybridBlock) -> list[tuple[str, str]]:
    """Name prefix and place of every block, longest prefix first."""
    found: dict[str, str] = {}

    def walk(block: HybridBlock, place: str) -> None:
        if block.prefix:
            found.setdefault(block.prefix, place)
        for name, child in block._children.items():
            walk(child, f"{place}{name}.")

    walk(net, "")
    return sorted(found.items(), key=lambda item: -len(item[0]))


class Renaming:
    """Turns the names of nodes into lasting ones; each operator gets a name of its own."""

    def __init__(
        self, places: dict[str, str], blocks: list[tuple[str, str]], inputs: tuple[str, ...]
    ) -> None:
        self.variables = {**places, **{name: name for name in inputs}}
        self.blocks = blocks
        self.taken = set(self.variables.values())

    def variable(self, name: str) -> str:
        """The lasting name of a parameter, an input, or a variable of an inner graph."""
        return self.variables.get(name) or self._placed(name)

    def operator(self, name: str) -> str:
        """A lasting name that no other node of the graph has."""
        name = unique = self._placed(name)
        number = 0
        while unique in self.taken:
            number += 1
            unique = f"{name}_{number}"
        self.taken.add(unique)
        return unique

    def _placed(self, name: str) -> str:
        for prefix, place in self.blocks:
            if name.startswith(prefix):
                return place + name[len(prefix) :]
        return name


def _rewrite(
    document: dict[str, Any], rename: Renaming, shapes: dict[str, tuple[int, ...]]
) -> None:
    """Renames all nodes of a graph's JSON, and of the graphs inside (loops, conditions)."""
    for node in document["nodes"]:
        attributes = node.get("attrs", {})
        attributes.pop(SUBGRAPH, None)
        if node["op"] == "null":
            node["name"] = rename.variable(node["name"])
            if node["name"] in shapes:
                for key in TRANSIENT:
                    attributes.pop(key, None)
                attributes["__shape__"] = str(shapes[node["name"]])
                node["attrs"] = attributes
        else:
            node["name"] = rename.operator(node["name"])
        for inner in node.get("subgraphs", ()):
            _rewrite(inner, rename, {})


def leaves(value: Any) -> Iterator[Any]:
    """The items of nested lists and tuples, in order."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def _rebuild(value: Any, make: Callable[[Any], Any]) -> Any:
    if isinstance(value, (list, tuple)):
        return [_rebuild(item, make) for item in value]
    return make(value)
