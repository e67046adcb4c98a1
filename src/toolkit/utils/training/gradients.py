"""Layer normalizations in parts whose gradients are fast on CPUs.

MXNet's operator is fast forward, but its gradient sums along rows and columns number by number: of
1024 tokens of 768 units it takes 18 ms on one core, where the rest of such a layer takes 140.
Products with vectors of ones give the same sums at the speed of matrix products.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import mxnet as mx

from toolkit.utils.training.graphs import Node, rewritten, with_replaced


@contextmanager
def quick_gradients(net: Any, contexts: Sequence[mx.Context]) -> Iterator[None]:
    """Lets a hybridized network train faster on CPUs, until the end of the block.

    Results and gradients stay the same but for rounding. GPUs, and what is not hybridized, compute
    as ever.
    """
    if any(context.device_type == "gpu" for context in contexts):
        yield
        return
    with rewritten(net, with_quick_gradients):
        yield


def with_quick_gradients(symbol: mx.sym.Symbol) -> mx.sym.Symbol:
    """The same graph with every layer normalization of the last axis by `layer_norm`."""
    return with_replaced(symbol, _part_for)


def layer_norm(F: Any, x: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
    """``F.LayerNorm(x, gamma, beta, eps=epsilon)`` of ``(..., units)``, by products and sums.

    In a product of a column and a row each number of the row is multiplied by each of the column:
    a number a token, or one a unit, is so brought to the shape of ``x``.
    """
    ones = F.ones_like(gamma)
    shares = F.reshape(F.broadcast_div(ones, F.sum(ones)), (-1, 1))  # gives means
    centred = x - F.dot(F.dot(x, shares), F.reshape(ones, (1, -1)))
    variance = F.dot(F.square(centred), shares)
    factors = F.rsqrt(variance + epsilon)
    scaled = centred * F.dot(factors, F.reshape(gamma, (1, -1)))
    return scaled + F.dot(F.ones_like(factors), F.reshape(beta, (1, -1)))


def _part_for(node: Node) -> mx.sym.Symbol | None:
    """What stands for a layer normalization."""
    attrs = node.get("attrs", {})
    if node["op"] != "LayerNorm" or attrs.get("axis", "-1") != "-1" or "output_mean_var" in attrs:
        return None
    x, gamma, beta = (mx.sym.Variable(str(number)) for number in range(3))
    return layer_norm(mx.sym, x, gamma, beta, float(attrs.get("eps", 1e-5)))
