"""Makes a graph safe for MXNet's fused oneDNN operators.

The fused backend joins a convolution with what follows it: BatchNorm, a sum, an activation. It
overlooks other users of a result inside such a chain: outputs of the graph, and users it meets
after the chain's activation. They would then read the end of the chain in place of its middle, as
in networks that add what was not yet activated. The C predict API has the backend on by default,
so exported graphs are mended, too.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import mxnet as mx

ACTIVATIONS = frozenset({"Activation", "LeakyReLU", "clip"})
SUM = "elemwise_add"
# What may follow an operator in a chain.
FOLLOWERS = {
    "Convolution": ACTIVATIONS | {"BatchNorm", SUM},
    "BatchNorm": ACTIVATIONS | {SUM},
    SUM: ACTIVATIONS,
    "FullyConnected": ACTIVATIONS | {"square", "sqrt", "exp", "abs"},
}
REMOVED = frozenset({"_copy", "identity", "Dropout"})  # taken out before chains are looked for
OUTPUT = "output"  # stands for the graph's end among the users of a result

Entry = tuple[int, int]  # number of a node, which of its results


def keep_apart(symbol: mx.sym.Symbol) -> mx.sym.Symbol:
    """Adds zero to results in the middle of a chain that others use as well, which ends the chain.

    Graphs without such results, among them most published networks, are given back as they are.
    """
    document = json.loads(symbol.tojson())
    split = {
        entry for entry, users in _users(document).items() if _is_risky(document, entry, users)
    }
    if not split:
        return symbol
    nodes: list[dict[str, Any]] = []
    places: dict[int, int] = {}
    ends: dict[Entry, int] = {}

    def moved(entry: list[int]) -> list[int]:
        node, result = entry[:2]
        if (node, result) in ends:
            return [ends[node, result], 0, 0]
        return [places[node], *entry[1:]]

    for number, node in enumerate(document["nodes"]):
        places[number] = len(nodes)
        nodes.append({**node, "inputs": [moved(entry) for entry in node["inputs"]]})
        for entry in sorted(e for e in split if e[0] == number):
            ends[entry] = len(nodes)
            nodes.append(_plus_zero(node["name"], places[number], entry[1]))
    document = {
        "nodes": nodes,
        "arg_nodes": [places[number] for number in document["arg_nodes"]],
        "heads": [moved(entry) for entry in document["heads"]],
        "attrs": document["attrs"],
    }
    return mx.sym.load_json(json.dumps(document))


def _plus_zero(name: str, node: int, result: int) -> dict[str, Any]:
    return {
        "op": "_plus_scalar",
        "name": f"{name}_kept" + (str(result) if result else ""),
        "attrs": {"scalar": "0"},
        "inputs": [[node, result, 0]],
    }


def _users(document: dict[str, Any]) -> dict[Entry, list[str]]:
    """The operators that read each result, and ``OUTPUT`` for each output that is it."""
    nodes = document["nodes"]

    def source(entry: list[int]) -> Entry:
        while nodes[entry[0]]["op"] in REMOVED:
            entry = nodes[entry[0]]["inputs"][0]
        return entry[0], entry[1]

    users: dict[Entry, list[str]] = defaultdict(list)
    for node in nodes:
        if node["op"] not in REMOVED:
            for entry in node["inputs"]:
                users[source(entry)].append(node["op"])
    for entry in document["heads"]:
        users[source(entry)].append(OUTPUT)
    return users


def _is_risky(document: dict[str, Any], entry: Entry, users: list[str]) -> bool:
    followers = FOLLOWERS.get(document["nodes"][entry[0]]["op"], frozenset())
    return len(users) > 1 and not followers.isdisjoint(users)
