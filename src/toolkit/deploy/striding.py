"""Computes only what is read: strides of 1x1 convolutions move to what comes before them.

A 1x1 convolution of stride 2 reads every second row and column. Where all that read a result are
such, as where a stage of He et al.'s first ResNet begins, the others need not be computed: the
convolutions before take the stride over, through sums and activations.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from toolkit.deploy.nodes import Node, Nodes, Value

Pair = tuple[int, int]
ONES, ZEROS = (1, 1), (0, 0)
POINTWISE = frozenset({"Activation", "clip", "LeakyReLU", "elemwise_add", "_plus_scalar"})
Users = Mapping[Node, list[Node | None]]


def pull_strides(nodes: Nodes) -> None:
    """Changes the graph in place; results stay as they are."""
    users = nodes.users()
    for node in reversed(list(nodes)):
        stride = _common_stride(users[node])
        if stride != ONES and _takes(node, users):
            _pull((node, 0), stride, users)
            for reader in users[node]:
                assert reader is not None
                reader.attrs["stride"] = str(ONES)


def _common_stride(readers: list[Node | None]) -> Pair:
    """The stride of 1x1 convolutions, where there is nothing else that reads."""
    strides = {_stride_of_pointwise(reader) for reader in readers}
    return strides.pop() if len(strides) == 1 else ONES


def _stride_of_pointwise(node: Node | None) -> Pair:
    if node is None or node.op != "Convolution" or _pair(node, "kernel", ZEROS) != ONES:
        return ONES
    if node.attrs.get("layout", "None") not in ("None", "NCHW"):
        return ONES
    return ONES if _pair(node, "pad", ZEROS) != ZEROS else _pair(node, "stride", ONES)


def _pair(node: Node, key: str, default: Pair) -> Pair:
    value = ast.literal_eval(node.attrs.get(key, str(default)))
    return tuple(value) or default


def _takes(node: Node, users: Users) -> bool:
    """Whether some convolution before, which nothing else reads, can take over a stride."""
    if node.op == "Convolution":
        return len(_pair(node, "kernel", ONES)) == 2
    ways = (source for source, _ in node.inputs if users[source] == [node])
    return node.op in POINTWISE and any(_takes(source, users) for source in ways)


def _pull(value: Value, stride: Pair, users: Users) -> None:
    """Makes every second row and column of a result, or whichever the stride is."""
    node = value[0]
    if node.op == "Convolution":
        old = _pair(node, "stride", ONES)
        node.attrs["stride"] = str((old[0] * stride[0], old[1] * stride[1]))
        return
    for place, (source, index) in enumerate(node.inputs):
        if users[source] == [node] and _takes(source, users):
            _pull((source, index), stride, users)
        elif node.op != "LeakyReLU" or place == 0:  # further ones are parameters
            attrs = {"kernel": str(ONES), "stride": str(stride), "pool_type": "max"}
            name = f"{source.name}_strided" + (str(index) if index else "")
            node.inputs[place] = (Node("Pooling", name, attrs, [(source, index)]), 0)
