from __future__ import annotations

import mxnet as mx
import numpy as np
from mxnet.gluon.nn import BatchNorm

from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.vision.fast_scnn import LinearUnit


def test_features_are_fine_with_few_channels_and_coarse() -> None:
    net = BACKBONES.create("fast_scnn")
    net.initialize()
    assert [f.shape for f in net(mx.nd.zeros((1, 3, 96, 64)))] == [(1, 64, 12, 8), (1, 128, 3, 2)]


def test_a_unit_adds_its_input_where_it_can() -> None:
    x = mx.nd.random.normal(shape=(1, 4, 6, 6))
    for channels, stride, adds in ((4, 1, True), (4, 2, False), (5, 1, False)):
        unit = LinearUnit(4, channels, inner=8, stride=stride, norm=BatchNorm)
        unit.initialize(mx.init.Xavier())
        body = unit.body(x)
        expected = x + body if adds else body
        np.testing.assert_array_equal(unit(x).asnumpy(), expected.asnumpy())


def test_what_differs_may_be_told() -> None:
    net = BACKBONES.create("fast_scnn", depth=1, pooled=32)
    assert net.channels == (64, 32)
    assert len(net.stages[3]) == 1
