"""What every block of ``nn`` must hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock, SymbolBlock

Check = Callable[..., np.ndarray]


def randomize(block: HybridBlock, seed: int = 0) -> None:
    """Fills every parameter; what must be positive is."""
    rng = np.random.default_rng(seed)
    block.initialize()
    for key, param in block._collect_params_with_prefix().items():
        positive = key.endswith(("gamma", "running_var"))
        values = rng.uniform(0.5, 1.5, param.shape) if positive else rng.normal(size=param.shape)
        param.set_data(mx.nd.array(values))


@pytest.fixture
def same_everywhere(tmp_path: Path) -> Check:
    """Checks that a block gives the same eager, hybridized and exported; returns the result."""

    def check(block: HybridBlock, x: np.ndarray, seed: int = 0) -> np.ndarray:
        randomize(block, seed)
        data = mx.nd.array(x)
        eager = block(data).asnumpy()
        block.hybridize()
        np.testing.assert_allclose(block(data).asnumpy(), eager, rtol=1e-5, atol=1e-5)
        path = str(tmp_path / "block")
        block.export(path)
        # With its dtype: without, MXNet warns that it cannot tell.
        variable = mx.sym.var("data", dtype="float32")
        reloaded = SymbolBlock(mx.sym.load(f"{path}-symbol.json"), variable)
        reloaded.collect_params().load(f"{path}-0000.params")
        np.testing.assert_allclose(reloaded(data).asnumpy(), eager, rtol=1e-5, atol=1e-5)
        block.hybridize(False)
        return eager

    return check
