"""A symbolic graph as objects that can be changed: what rewrites of graphs work on."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import mxnet as mx

VARIABLE = "null"  # the operator of parameters and inputs
LOOPS = frozenset({"_foreach", "_while_loop", "_cond"})  # operators that have bodies


@dataclass(eq=False)
class Node:
    """One operator, or one variable; two are the same only if they are one object."""

    op: str
    name: str
    attrs: dict[str, str] = field(default_factory=dict)
    inputs: list[Value] = field(default_factory=list)
    subgraphs: list[Any] = field(default_factory=list)  # bodies of loops and conditions, as JSON

    def flag(self, name: str, default: bool = False) -> bool:
        """A switch among the attributes."""
        return self.attrs.get(name, str(default)).lower() in ("true", "1")


Value = tuple[Node, int]  # which of a node's results


@dataclass
class Nodes:
    """A graph: its results, and from there all that they need."""

    outputs: list[Value]
    attrs: dict[str, Any]  # of the whole graph

    @classmethod
    def of(cls, symbol: mx.sym.Symbol) -> Nodes:
        """Takes a symbol apart."""
        document = json.loads(symbol.tojson())
        made: list[Node] = []
        for row in document["nodes"]:
            inputs = [(made[entry[0]], entry[1]) for entry in row["inputs"]]
            attrs = dict(row.get("attrs", {}))
            made.append(Node(row["op"], row["name"], attrs, inputs, row.get("subgraphs", [])))
        outputs = [(made[entry[0]], entry[1]) for entry in document["heads"]]
        return cls(outputs, document["attrs"])

    def symbol(self) -> mx.sym.Symbol:
        """Puts it together again; nodes that nothing needs are gone."""
        order = list(self)
        places = {node: i for i, node in enumerate(order)}
        rows = []
        for node in order:
            row: dict[str, Any] = {"op": node.op, "name": node.name}
            row["inputs"] = [[places[source], index, 0] for source, index in node.inputs]
            if node.attrs:
                row["attrs"] = node.attrs
            if node.subgraphs:
                row["subgraphs"] = node.subgraphs
            rows.append(row)
        document = {
            "nodes": rows,
            "arg_nodes": [i for i, node in enumerate(order) if node.op == VARIABLE],
            "heads": [[places[source], index, 0] for source, index in self.outputs],
            "attrs": self.attrs,
        }
        return mx.sym.load_json(json.dumps(document))

    def __iter__(self) -> Iterator[Node]:
        """All nodes, each after those that it needs."""
        seen: set[Node] = set()
        for output, _ in self.outputs:
            stack = [(output, iter(output.inputs))]
            while stack:
                node, rest = stack[-1]
                following = next((n for n, _ in rest if n not in seen), None)
                if following is not None and node not in seen:
                    stack.append((following, iter(following.inputs)))
                    continue
                stack.pop()
                if node not in seen:
                    seen.add(node)
                    yield node

    def users(self) -> dict[Node, list[Node | None]]:
        """Who reads results of each node, once a reading; None stands for the graph's end."""
        found: dict[Node, list[Node | None]] = defaultdict(list)
        for node in self:
            for source, _ in node.inputs:
                found[source].append(node)
        for source, _ in self.outputs:
            found[source].append(None)
        return found

    def replace(self, instead: Callable[[Value], Value]) -> None:
        """Lets all nodes and the outputs read ``instead(value)`` in place of each value."""
        for node in list(self):
            node.inputs = [instead(value) for value in node.inputs]
        self.outputs = [instead(value) for value in self.outputs]


def first_loop(symbol: mx.sym.Symbol) -> str | None:
    """The name of the first loop of a graph; None where there is none."""
    return next((node.name for node in Nodes.of(symbol) if node.op in LOOPS), None)
