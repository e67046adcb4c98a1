"""The head that adds a coarse feature to a fine one."""

from __future__ import annotations

from types import SimpleNamespace

import mxnet as mx
import numpy as np

from toolkit.model_zoo.tasks.feature_fusion import FusionHead


def test_the_first_and_the_last_feature_are_added_and_scored() -> None:
    net = FusionHead(SimpleNamespace(channels=(6, 5, 8)), 3)
    net.initialize(mx.init.Xavier(magnitude=4))
    fine, between, coarse = (
        mx.nd.random.normal(shape=shape) for shape in ((2, 6, 8, 12), (2, 5, 4, 6), (2, 8, 2, 3))
    )
    scores = net(fine, between, coarse).asnumpy()
    assert scores.shape == (2, 3, 8, 12)
    np.testing.assert_array_equal(net(fine, between * 2, coarse).asnumpy(), scores)
    for changed in ((fine + 1, between, coarse), (fine, between, coarse + 1)):
        assert np.abs(net(*changed).asnumpy() - scores).max() > 1e-3
