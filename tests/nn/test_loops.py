from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.nn import ProjectedLSTM
from toolkit.nn.containers import sequence


def test_static_shapes_are_refused_before_they_give_wrong_numbers() -> None:
    net = sequence(ProjectedLSTM(3, 4, 2))
    with pytest.raises(ValueError, match=r"ProjectedLSTM has a loop.*static_shape=True: leave"):
        net.hybridize(static_alloc=True, static_shape=True)
    net.hybridize(active=False, static_shape=True)


def test_static_memory_gives_the_same() -> None:
    layer = ProjectedLSTM(3, 4, 2)
    layer.initialize(mx.init.Uniform(0.7))
    x = mx.nd.array(np.random.default_rng(0).normal(size=(5, 2, 3)))
    state = layer.begin(mx.nd, x)
    wanted = layer(x, *state)[0].asnumpy()
    layer.hybridize(static_alloc=True)
    for _ in range(3):
        np.testing.assert_allclose(layer(x, *state)[0].asnumpy(), wanted, atol=1e-6)
