from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from toolkit.nn import AdaptiveAvgPool


@pytest.mark.parametrize("shape", [(2, 3, 1, 1), (1, 4, 8, 8), (2, 16, 5, 7)])
def test_gives_the_mean_of_each_channel(shape: tuple[int, ...], same_everywhere: Callable) -> None:
    x = np.random.default_rng(1).normal(size=shape).astype("float32")
    y = same_everywhere(AdaptiveAvgPool(), x)
    np.testing.assert_allclose(y, x.mean((2, 3), keepdims=True), rtol=1e-4, atol=1e-6)
