from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import numpy as np
import pytest

from toolkit.deploy.calibration import entropy_ranges, naive_ranges, observer

See = Callable[[str, np.ndarray], None]


def shows(*batches: dict[str, list[float]]) -> Callable[[See], None]:
    def run(see: See) -> None:
        for batch in batches:
            for name, values in batch.items():
                see(name, np.array(values, np.float32))

    return run


def test_naive_ranges_cover_all_batches() -> None:
    run = shows({"a": [1, 2], "b": [-1]}, {"a": [0.5, 9], "b": [3]})
    assert naive_ranges(run) == {"a": (0.5, 9.0), "b": (-1.0, 3.0)}


def bulk(low: float, high: float, outlier: float) -> Callable[[See], None]:
    values = np.random.default_rng(0).uniform(low, high, 20000)
    return shows({"x": [*values.tolist(), outlier]})


def test_entropy_cuts_off_what_is_rare() -> None:
    low, high = entropy_ranges(bulk(-1, 1, 50))["x"]
    assert low == -high
    assert 0.5 < high < 5


def test_what_is_never_negative_keeps_zero_as_its_lower_end() -> None:
    low, high = entropy_ranges(bulk(0, 1, 50))["x"]
    assert low == 0
    assert 0.5 < high < 10


def test_the_order_of_the_batches_does_not_matter() -> None:
    first, second = {"x": [1.0, -3.0, 0.1]}, {"x": [2.0, 7.0, 0.2]}
    assert entropy_ranges(shows(first, second)) == entropy_ranges(shows(second, first))


def test_a_layer_that_is_always_zero_has_a_range() -> None:
    assert entropy_ranges(shows({"x": [0.0, 0.0]}))["x"][0] == 0


def test_the_observer_shows_the_layers_asked_for_on_each_batch() -> None:
    x, w = mx.sym.var("x"), mx.sym.var("w")
    symbol = mx.sym.broadcast_add(mx.sym.broadcast_mul(x, w, name="product"), w, name="sum")
    arrays = {"w": mx.nd.array([2.0])}
    seen: list[tuple[str, list[float]]] = []
    batches = [[np.array([1.0, 2.0], np.float32)], [np.array([3.0], np.float32)]]
    run = observer(symbol, arrays, ("x",), batches, ["product_output"])
    run(lambda name, values: seen.append((name, values.tolist())))
    assert seen == [("product_output", [2.0, 4.0]), ("product_output", [6.0])]


def test_a_batch_needs_an_array_an_input() -> None:
    symbol = mx.sym.var("x") + mx.sym.var("y")
    with pytest.raises(ValueError, match="zip"):
        observer(symbol, {}, ("x", "y"), [[np.ones(1)]], [])(lambda name, values: None)
