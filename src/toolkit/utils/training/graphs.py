"""Networks that compute by other graphs than those they are traced to, as long as they train."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock

Rewrite = Callable[[mx.sym.Symbol], mx.sym.Symbol]
Node = dict[str, Any]
Entry = list[int]  # an output of a node: its number, which of its outputs, and a version


def hybrid_blocks(net: Any) -> list[HybridBlock]:
    """A network and all that it is made of, each once, as far as graphs can be made of it."""
    blocks: dict[Any, None] = {}
    net.apply(lambda block: blocks.update({block: None}))
    return [block for block in blocks if isinstance(block, HybridBlock)]


@contextmanager
def rewritten(net: Any, rewrite: Rewrite) -> Iterator[None]:
    """Lets a hybridized network compute by rewritten graphs, until the end of the block.

    Within another of its kind, what that one gives is rewritten.
    """
    blocks = hybrid_blocks(net)
    before = [vars(block).get("_get_graph") for block in blocks]
    try:
        for block in blocks:
            block._get_graph = partial(_rewritten, block._get_graph, rewrite)
            block._clear_cached_op()
        yield
    finally:
        for block, trace in zip(blocks, before, strict=True):
            del block._get_graph
            if trace is not None:
                block._get_graph = trace
            block._clear_cached_op()


def _rewritten(trace: Callable[..., tuple[Any, Any]], rewrite: Rewrite, *args: Any) -> Any:
    """What a block's ``_get_graph`` gives, rewritten."""
    inputs, outputs = trace(*args)
    return inputs, rewrite(outputs)


def nodes_of(symbol: mx.sym.Symbol) -> dict[str, Any]:
    """A graph as data: its ``nodes`` in an order they can be computed in, its ``heads``, ..."""
    return json.loads(symbol.tojson(remove_amp_cast=False))


def graph_of(nodes: list[Node], heads: list[Entry], attrs: Any) -> mx.sym.Symbol:
    """The way back."""
    variables = [number for number, node in enumerate(nodes) if node["op"] == "null"]
    graph = {"nodes": nodes, "arg_nodes": variables, "heads": heads, "attrs": attrs}
    return mx.sym.load_json(json.dumps(graph))


def with_replaced(
    symbol: mx.sym.Symbol, part_for: Callable[[Node], mx.sym.Symbol | None]
) -> mx.sym.Symbol:
    """The same graph with other parts in the place of some nodes.

    Args:
        symbol: The graph.
        part_for: The part that takes a node's place, or None for the node itself. Its variables
            are named ``"0"``, ``"1"``, ... after the node's inputs, and it has one output.
    """
    graph = nodes_of(symbol)
    nodes: list[Node] = []
    moved: dict[int, int] = {}  # the new number of each old node
    ends: dict[int, Entry] = {}  # or what stands for it

    def at(entry: Entry) -> Entry:
        return ends.get(entry[0]) or [moved[entry[0]], *entry[1:]]

    for number, node in enumerate(graph["nodes"]):
        inputs = [at(entry) for entry in node["inputs"]]
        part = part_for(node)
        if part is None:
            moved[number] = len(nodes)
            nodes.append({**node, "inputs": inputs})
        else:
            ends[number] = _splice(nodes, part, node["name"], inputs)
    return graph_of(nodes, [at(head) for head in graph["heads"]], graph["attrs"])


def _splice(nodes: list[Node], part: mx.sym.Symbol, name: str, inputs: list[Entry]) -> Entry:
    """Appends a part to the nodes of a graph; returns its output."""
    graph = nodes_of(part)
    entries: list[Entry] = []  # of the part's nodes, of which all have one output
    for number, node in enumerate(graph["nodes"]):
        if node["op"] == "null":
            entries.append(inputs[int(node["name"])])
            continue
        entries.append([len(nodes), 0, 0])
        given = [entries[entry[0]] for entry in node["inputs"]]
        nodes.append({**node, "name": f"{name}_{number}", "inputs": given})
    (head,) = graph["heads"]
    return entries[head[0]]
