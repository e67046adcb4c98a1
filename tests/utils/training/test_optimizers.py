from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import Parameter, Trainer

from toolkit.utils.training import AdamW, make_optimizer

SHAPES = ((3,), (2, 2))
BETA1, BETA2, RATE, DECAY = 0.8, 0.95, 0.1, 0.02


def run(optimizer: Any, steps: int = 4, dtype: str = "float32") -> list[np.ndarray]:
    """Steps on fixed gradients; the weights after that."""
    rng = np.random.default_rng(0)
    params = [Parameter(f"p{i}", shape=shape, dtype=dtype) for i, shape in enumerate(SHAPES)]
    for param in params:
        param.initialize(mx.init.Zero())
        param.set_data(mx.nd.array(rng.normal(size=param.shape), dtype=dtype))
    params[1].wd_mult = 0.0
    trainer = Trainer(params, optimizer, kvstore=None)
    for _ in range(steps):
        for param in params:
            param.grad()[:] = mx.nd.array(rng.normal(size=param.shape), dtype=dtype)
            param.data()._fresh_grad = True
        trainer.step(2)
    return [param.data().asnumpy() for param in params]


def reference(steps: int, epsilon: float, corrected: bool) -> list[np.ndarray]:
    """The formula, in float64."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape) for shape in SHAPES]
    means = [np.zeros(shape) for shape in SHAPES]
    squares = [np.zeros(shape) for shape in SHAPES]
    for time in range(1, steps + 1):
        for i, shape in enumerate(SHAPES):
            gradient = rng.normal(size=shape) / 2
            means[i] = BETA1 * means[i] + (1 - BETA1) * gradient
            squares[i] = BETA2 * squares[i] + (1 - BETA2) * gradient**2
            mean, square = means[i], squares[i]
            if corrected:
                mean, square = mean / (1 - BETA1**time), square / (1 - BETA2**time)
            step = mean / (np.sqrt(square) + epsilon) + (DECAY if i == 0 else 0) * weights[i]
            weights[i] = weights[i] - RATE * step
    return weights


@pytest.mark.parametrize("name", ["adamw", "AdamW", "bertadam"])
def test_the_weights_follow_the_formula(name: str) -> None:
    options = {"learning_rate": RATE, "beta1": BETA1, "beta2": BETA2, "wd": DECAY}
    weights = run(make_optimizer(name, **options))
    bert = name == "bertadam"
    expected = reference(4, 1e-6 if bert else 1e-8, not bert)
    for ours, theirs in zip(weights, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-6)


def test_half_precision_weights_are_updated_by_way_of_copies() -> None:
    options = {"learning_rate": RATE, "beta1": BETA1, "beta2": BETA2, "wd": DECAY}
    weights = run(AdamW(multi_precision=True, **options), dtype="float16")
    for ours, theirs in zip(weights, reference(4, 1e-8, True), strict=True):
        assert ours.dtype == np.float16
        np.testing.assert_allclose(ours, theirs, rtol=5e-3, atol=5e-3)


def test_a_learning_rate_of_zero_changes_nothing() -> None:
    before = run(AdamW(0.1), steps=0)
    after = run(AdamW(0.0, wd=0.1), steps=2)
    for ours, theirs in zip(before, after, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", ["sgd", "nag", "lamb", "adam"])
def test_mxnets_own_are_found(name: str) -> None:
    assert type(make_optimizer(name, learning_rate=0.5)).__name__.lower() == name


def test_an_unknown_name_teaches() -> None:
    with pytest.raises(ValueError, match=r"unknown optimizer 'adamv'; did you mean .*adamw"):
        make_optimizer("adamv")
