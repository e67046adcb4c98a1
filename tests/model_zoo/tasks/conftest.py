"""A small text model of any task, texts for it, and what holds for detectors of all kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit import deploy
from toolkit.model_zoo import get_model, model_info

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


@pytest.fixture
def exported_equals(tmp_path: Path) -> Callable[..., None]:
    """Checks that an exported detector gives what it gave before."""

    def check(net: HybridBlock, images: mx.nd.NDArray, atol: float) -> None:
        expected = [a.asnumpy() for a in net(images)]
        manifest = deploy.export(net, tmp_path / "exported", images)
        for ours, theirs in zip(deploy.load(manifest)(images.asnumpy()), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=atol)

    return check


@pytest.fixture
def keys_turn_back() -> Callable[[str, Mapping[str, str]], None]:
    """Checks that one table of a name turns all keys into upstream's, and those examples back."""

    def check(name: str, examples: Mapping[str, str]) -> None:
        keys = set(get_model(name)._collect_params_with_prefix())
        (table,) = (t for t in model_info(name).renames if all(map(t.to_foreign, keys)))
        assert {key: table.to_ours(key) for key in examples} == examples
        assert set(examples.values()) <= keys
        assert {table.to_ours(table.to_foreign(key) or "") for key in keys} == keys
        assert len({table.to_foreign(key) for key in keys}) == len(keys)

    return check
