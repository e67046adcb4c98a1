"""A small text model of any task, and texts for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.model_zoo import get_model

SMALL = {"layers": 2, "units": 16, "hidden_units": 24, "heads": 2, "vocab_size": 50}


@pytest.fixture
def texts() -> list[mx.nd.NDArray]:
    """Tokens, segments and lengths of three texts."""
    rng = np.random.default_rng(0)
    arrays = rng.integers(0, 50, (3, 6)), rng.integers(0, 2, (3, 6)), np.array([6, 4, 1])
    return [mx.nd.array(array) for array in arrays]


@pytest.fixture
def build() -> Callable[..., HybridBlock]:
    """Builds and initializes a small BERT for a task."""

    def build(task: str, **options: Any) -> HybridBlock:
        mx.random.seed(0)
        net = get_model("bert_12_768_12", task=task, max_length=12, **SMALL, **options)
        net.initialize(mx.init.Normal(0.3))
        return net

    return build


@pytest.fixture
def hybrid_equals_eager() -> Callable[..., list[np.ndarray]]:
    """Checks that a network gives the same hybridized; returns its results."""

    def check(net: HybridBlock, *inputs: mx.nd.NDArray) -> list[np.ndarray]:
        def run() -> list[np.ndarray]:
            outputs = net(*inputs)
            outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
            return [output.asnumpy() for output in outputs]

        eager = run()
        net.hybridize()
        for ours, theirs in zip(run(), eager, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
        net.hybridize(False)
        return eager

    return check
