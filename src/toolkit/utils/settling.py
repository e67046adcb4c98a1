"""Random weights that behave like trained ones: features that neither vanish nor explode."""

from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, Conv2D, Dense


def settle(net: HybridBlock, *inputs: Any, seed: int = 0, layers: bool = False) -> None:
    """Gives every BatchNorm the running statistics of one forward pass, as training would.

    A freshly initialized network takes its features for normalized already: deep ones then give
    all zeros, whatever goes in, and any two ways to compute them agree. Variances are those of the
    whole feature, times a random factor a channel, since few pictures say little of one channel.

    Args:
        net: An initialized network, not hybridized.
        inputs: One batch.
        seed: Of the factors.
        layers: Weights of convolutions and dense layers are scaled, too, so that what each gives
            has a deviation of 1 (Mishkin and Matas, 2015, https://arxiv.org/abs/1511.06422): a
            detector's scores and boxes then differ from place to place.
    """
    rng = np.random.default_rng(seed)
    hooks = []

    def watch(norm: BatchNorm, given: Any) -> None:
        values = given[0].asnumpy()
        axis = norm._kwargs["axis"] % values.ndim
        others = tuple(place for place in range(values.ndim) if place != axis)
        mean = values.mean(axis=others, keepdims=True)
        variance = float(np.square(values - mean).mean()) + 1e-6
        factors = rng.uniform(0.5, 1.5, values.shape[axis])
        norm.running_mean.set_data(mx.nd.array(mean.reshape(-1)))
        norm.running_var.set_data(mx.nd.array(variance * factors))

    def hook(block: HybridBlock) -> None:
        if isinstance(block, BatchNorm):
            hooks.append(block.register_forward_pre_hook(watch))
        elif layers and isinstance(block, (Conv2D, Dense)):
            hooks.append(block.register_forward_hook(_scale))

    net.apply(hook)
    try:
        net(*inputs)
        mx.nd.waitall()
    finally:
        for handle in hooks:
            handle.detach()


def _scale(layer: HybridBlock, _: Any, result: mx.nd.NDArray) -> None:
    """Divides a layer's weights, and what it has just given, by the deviation of that."""
    deviation = float(result.asnumpy().std())
    if deviation > 1e-6:
        layer.weight.set_data(layer.weight.data() / deviation)
        result /= deviation
