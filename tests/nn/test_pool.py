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


def test_gives_the_means_of_the_parts_of_a_grid(same_everywhere: Callable) -> None:
    x = np.random.default_rng(1).normal(size=(2, 3, 4, 6)).astype("float32")
    y = same_everywhere(AdaptiveAvgPool(2), x)
    parts = x.reshape(2, 3, 2, 2, 2, 3).mean((3, 5))
    np.testing.assert_allclose(y, parts, rtol=1e-4, atol=1e-6)


def test_a_grid_of_the_same_size_changes_nothing(same_everywhere: Callable) -> None:
    x = np.random.default_rng(1).normal(size=(1, 2, 7, 7)).astype("float32")
    np.testing.assert_array_equal(same_everywhere(AdaptiveAvgPool(7), x), x)
