from __future__ import annotations

from functools import partial

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import BatchNorm

from toolkit.model_zoo import get_model
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.vision.mobilenet_v3 import GatedInvertedResidual, HardSwish, Row


@pytest.mark.parametrize(
    ("name", "channels", "gated"),
    [
        ("mobilenetv3_large", (16, 24, 40, 112, 960), [3, 4, 5, 10, 11, 12, 13, 14]),
        ("mobilenetv3_small", (16, 16, 24, 48, 576), [0, 3, 4, 5, 6, 7, 8, 9, 10]),
    ],
)
def test_widths_and_gates(name: str, channels: tuple[int, ...], gated: list[int]) -> None:
    net = BACKBONES.create(name)
    assert net.channels == channels
    assert [i for i, block in enumerate(net.blocks) if block.attention is not None] == gated


def test_features_are_the_last_of_each_resolution() -> None:
    net = BACKBONES.create("mobilenetv3_small")
    net.initialize(mx.init.Xavier())
    features = net(mx.nd.random.normal(shape=(1, 3, 64, 64)))
    assert [f.shape[2] for f in features] == [32, 16, 8, 4, 2]
    rest = features[3]
    for block in list(net.blocks)[8:]:
        rest = block(rest)
    np.testing.assert_array_equal(net.last(rest).asnumpy(), features[4].asnumpy())


def test_hard_swish_is_zero_below_and_the_identity_above() -> None:
    x = mx.nd.array([-4.0, -3.0, -1.5, 0.0, 1.5, 3.0, 4.0])
    expected = [0.0, 0.0, -0.375, 0.0, 1.125, 3.0, 4.0]
    np.testing.assert_allclose(HardSwish()(x).asnumpy(), expected, rtol=1e-6)


def test_blocks_add_their_input_where_shapes_agree() -> None:
    row = Row(3, 16, 8, gated=True)
    make = partial(GatedInvertedResidual, 8, row, norm=BatchNorm)
    x = mx.nd.random.normal(shape=(1, 8, 4, 4))
    for stride in (1, 2):
        block = make(stride=stride)
        block.initialize(mx.init.Zero())
        expected = x.asnumpy() if stride == 1 else np.zeros((1, 8, 2, 2))
        np.testing.assert_array_equal(block(x).asnumpy(), expected)


def test_the_dropout_rate_is_an_option() -> None:
    assert get_model("mobilenetv3_small").head.dropout._rate == pytest.approx(0.2)
    assert get_model("mobilenetv3_small", dropout=0.5).head.dropout._rate == pytest.approx(0.5)
