"""Features behind those of a backbone."""

from __future__ import annotations

import mxnet as mx
import numpy as np
from mxnet.gluon.nn import BatchNorm

from toolkit.nn.extras import Extra, ExtraFeatures


def test_each_is_made_of_the_one_before() -> None:
    extras = (Extra(4, 8), Extra(2, 6, kernel_size=3, stride=1, padding=0))
    net = ExtraFeatures(5, extras, norm=BatchNorm)
    net.initialize()
    x = mx.nd.random.normal(shape=(2, 5, 10, 12))
    eager = net(x)
    assert [f.shape for f in eager] == [(2, 8, 5, 6), (2, 6, 3, 4)]
    assert net.channels == (8, 6)
    np.testing.assert_array_equal(net.layers[1](eager[0]).asnumpy(), eager[1].asnumpy())
    net.hybridize()
    for ours, theirs in zip(net(x), eager, strict=True):
        np.testing.assert_allclose(ours.asnumpy(), theirs.asnumpy(), rtol=1e-5, atol=1e-6)


def test_the_norm_may_be_left_out() -> None:
    keys = ExtraFeatures(5, (Extra(4, 8),), norm=None)._collect_params_with_prefix()
    assert sorted(key.rsplit(".", 1)[1] for key in keys) == ["bias", "bias", "weight", "weight"]
