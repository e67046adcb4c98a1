"""Which range of numbers each int8 layer keeps, from what it sees on real data."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.base import NDArrayHandle, py_str

Range = tuple[float, float]
BINS = 4001  # of a histogram from -largest to largest; odd, so that zero is in the middle
LEVELS = 255  # of int8, without -128


def naive_ranges(run: Callable[[Any], None]) -> dict[str, Range]:
    """The least and the greatest number of each layer.

    Args:
        run: Takes a function of a layer's name and its numbers, and calls it for all layers on
            all data.
    """
    found: dict[str, Range] = {}

    def see(name: str, values: np.ndarray) -> None:
        low, high = found.get(name, (np.inf, -np.inf))
        found[name] = (min(low, float(values.min())), max(high, float(values.max())))

    run(see)
    return found


def entropy_ranges(run: Callable[[Any], None]) -> dict[str, Range]:
    """The range that, rounded to int8, keeps most of each layer's information.

    Of all ranges around zero the one whose distribution has the least Kullback-Leibler divergence
    from the true one: Migacz, 2017, "8-bit Inference with TensorRT". Rare large numbers fall
    outside and are clipped. Takes the data twice.
    """
    bounds = naive_ranges(run)
    histograms = {name: np.zeros(BINS, np.int64) for name in bounds}

    def see(name: str, values: np.ndarray) -> None:
        largest = _largest(bounds[name])
        histograms[name] += np.histogram(values, BINS, (-largest, largest))[0]

    run(see)
    return {name: _least_divergence(histograms[name], bounds[name]) for name in bounds}


CALIBRATIONS: Mapping[str, Callable[[Callable[[Any], None]], dict[str, Range]]] = {
    "naive": naive_ranges,
    "entropy": entropy_ranges,
}


def _largest(bounds: Range) -> float:
    return max(abs(bounds[0]), abs(bounds[1])) or 1.0


def _least_divergence(histogram: np.ndarray, bounds: Range) -> Range:
    largest = _largest(bounds)
    positive = bounds[0] >= 0  # uint8 then, which has twice the levels above zero
    threshold = mx.nd.contrib.calibrate_entropy(
        hist=mx.nd.array(histogram),
        hist_edges=mx.nd.array(np.linspace(-largest, largest, BINS + 1)),
        num_quantized_bins=2 * LEVELS + 1 if positive else LEVELS,
    )[0].asscalar()
    return (0.0 if positive else -float(threshold)), float(threshold)


def observer(
    symbol: mx.sym.Symbol,
    arrays: Mapping[str, mx.nd.NDArray],
    inputs: Sequence[str],
    batches: Iterable[Sequence[np.ndarray]],
    layers: Iterable[str],
) -> Callable[[Callable[[str, np.ndarray], None]], None]:
    """Shows the named results of a graph, batch by batch, to whoever asks."""
    states = set(symbol.list_auxiliary_states())
    aux = {name: array for name, array in arrays.items() if name in states}
    given = {name: array for name, array in arrays.items() if name not in states}
    wanted = frozenset(layers)

    def run(see: Callable[[str, np.ndarray], None]) -> None:
        def collect(name: Any, handle: Any) -> None:
            if (text := py_str(name)) in wanted:
                array = mx.nd.NDArray(ctypes.cast(handle, NDArrayHandle), writable=False)
                see(text, array.asnumpy())

        os.environ.setdefault("MXNET_SUBGRAPH_VERBOSE", "0")  # no line on stderr for each batch
        for batch in batches:
            data = dict(zip(inputs, map(mx.nd.array, batch), strict=True))
            bound = symbol.bind(mx.cpu(), {**given, **data}, aux_states=aux, grad_req="null")
            bound.set_monitor_callback(collect, monitor_all=True)
            for output in bound.forward(is_train=False):
                output.wait_to_read()

    return run
