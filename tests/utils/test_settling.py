from __future__ import annotations

import mxnet as mx
import numpy as np
from mxnet.gluon.nn import BatchNorm, Conv2D, Dense, HybridSequential

from toolkit.utils.settling import settle


def test_features_keep_their_size_through_many_layers() -> None:
    net = HybridSequential()
    for _ in range(6):
        net.add(Conv2D(8, 3, padding=1, in_channels=8), BatchNorm(in_channels=8))
    net.initialize(mx.init.Normal(0.01))
    x = mx.nd.random.normal(shape=(2, 8, 6, 6))
    before = net(x).asnumpy()
    settle(net, x)
    after = net(x).asnumpy()
    assert np.abs(before).max() < 1e-3
    assert 0.5 < after.std() < 2
    variances = net[1].running_var.data().asnumpy()
    assert len(set(variances)) == 8
    settled = [norm.running_var.data().asnumpy() for norm in net[1::2]]
    net(x * 5)
    for norm, variance in zip(net[1::2], settled, strict=True):
        np.testing.assert_array_equal(norm.running_var.data().asnumpy(), variance)


def test_layers_without_a_norm_give_what_differs_by_one() -> None:
    net = HybridSequential()
    net.add(Conv2D(8, 3, padding=1, in_channels=3), Conv2D(4, 1, in_channels=8), Dense(5))
    net.initialize(mx.init.Normal(0.01))
    x = mx.nd.random.normal(shape=(2, 3, 6, 6))
    assert net(x).asnumpy().std() < 1e-2
    settle(net, x, layers=True)
    np.testing.assert_allclose(net(x).asnumpy().std(), 1, rtol=1e-4)
