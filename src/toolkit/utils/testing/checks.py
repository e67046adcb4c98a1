"""What the contracts have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock

Shape = tuple[int, ...]


def build(make: Callable[[], HybridBlock]) -> HybridBlock:
    """What ``make`` makes, of the same names whenever it is called."""
    with mx.name.Prefix("contract_"):
        return make()


def built(net: HybridBlock | Callable[[], HybridBlock]) -> Any:
    """The network itself, or what a function makes, whose parameters have the same names twice."""
    if isinstance(net, HybridBlock):
        return net
    check_names(*(build(net) for _ in range(2)))
    return build(net)


def check_count(net: Any, what: str) -> int:
    """An attribute that is a number of things."""
    value: Any = getattr(net, what, None)
    require(isinstance(value, int) and value > 0, f"{what} must be a number, got {value!r}")
    return int(value)


def check_names(first: HybridBlock, second: HybridBlock) -> None:
    """Two builds of one thing have parameters of the same names."""
    names = [list(net.collect_params()) for net in (first, second)]
    require(
        names[0] == names[1],
        "parameter names differ from one build to the next: "
        f"{sorted(set(names[0]) ^ set(names[1]))[:3]}",
    )


def check_parameters(net: HybridBlock) -> None:
    """Parameters are found, and of known shapes; initializes them where they have no values."""
    params = net._collect_params_with_prefix()
    require(bool(params), "there are no parameters that are found through its attributes")
    deferred = [key for key, p in params.items() if not p.shape or 0 in p.shape]
    require(not deferred, f"shapes are unknown before the first call: {deferred[:3]}")
    if any(p._data is None for p in params.values()):
        net.initialize(mx.init.Xavier())


def random_images(shape: Shape) -> mx.nd.NDArray:
    """Normal noise, the same each time."""
    return mx.nd.array(np.random.default_rng(0).normal(size=shape), dtype="float32")


def require_close(ours: np.ndarray, theirs: np.ndarray, tolerance: float, what: str) -> None:
    """Results equal those of the eager network, relative to the largest value."""
    require(ours.shape == theirs.shape, f"{what}: {ours.shape}, eager {theirs.shape}")
    scale = max(float(np.abs(theirs).max(initial=0.0)), 1e-12)
    difference = float(np.abs(ours - theirs).max(initial=0.0)) / scale
    require(difference <= tolerance, f"{what} differs from eager by {difference:.1e} (relative)")


def require(holds: bool, message: Any) -> None:
    """Raises AssertionError with the message where something does not hold."""
    if not holds:
        raise AssertionError(message)
