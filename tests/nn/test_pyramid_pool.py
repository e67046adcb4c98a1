"""Pyramid pooling, against its definition."""

from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import numpy as np

from toolkit.nn.pyramid_pool import PyramidPool


def test_cells_are_beside_the_means_around_them(same_everywhere: Callable) -> None:
    net = PyramidPool(8, grids=(1, 2))
    x = np.random.default_rng(0).normal(size=(2, 8, 4, 6)).astype(np.float32)
    found = same_everywhere(net, x)
    assert net.channels == found.shape[1] == 16
    np.testing.assert_array_equal(found[:, :8], x)
    whole = net.grids[0][1](mx.nd.array(x.mean((2, 3), keepdims=True))).asnumpy()
    np.testing.assert_allclose(found[:, 8:12], np.broadcast_to(whole, (2, 4, 4, 6)), atol=1e-5)
    parts = mx.nd.array(x.reshape(2, 8, 2, 2, 2, 3).mean((3, 5)))
    corners = net.grids[1][1](parts).asnumpy()
    np.testing.assert_allclose(found[:, 12:, ::3, ::5], corners, atol=1e-5)


def test_a_feature_may_have_fewer_cells_than_a_grid(same_everywhere: Callable) -> None:
    x = np.random.default_rng(0).normal(size=(1, 8, 2, 3)).astype(np.float32)
    assert same_everywhere(PyramidPool(8), x).shape == (1, 16, 2, 3)
