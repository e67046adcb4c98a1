from __future__ import annotations

import mxnet as mx
import numpy as np

from toolkit.model_zoo import get_model
from toolkit.model_zoo.vision.darknet import DarknetUnit


def test_the_size_and_the_number_of_weights() -> None:
    net = get_model("darknet53")
    params = net._collect_params_with_prefix()
    assert sum(key.endswith(".weight") for key in params) == 53
    trained = (p for p in params.values() if p.grad_req != "null")
    assert sum(int(np.prod(p.shape)) for p in trained) == 41_609_928
    assert net.backbone.channels == (32, 64, 128, 256, 512, 1024)
    assert net.backbone.strides == (1, 2, 4, 8, 16, 32)


def test_units_add_their_input() -> None:
    unit = DarknetUnit(4, mx.gluon.nn.BatchNorm)
    unit.initialize(mx.init.Xavier())
    x = mx.nd.random.normal(shape=(1, 4, 6, 6))
    np.testing.assert_array_equal(unit(x).asnumpy(), (unit.body(x) + x).asnumpy())


def test_activations_let_a_tenth_of_what_is_negative_through() -> None:
    act = DarknetUnit(4, mx.gluon.nn.BatchNorm).body[0].act
    np.testing.assert_allclose(act(mx.nd.array([-2.0, 3.0])).asnumpy(), [-0.2, 3.0], rtol=1e-6)
