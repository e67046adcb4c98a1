from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_model
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.vision.shufflenet import shuffle_channels


def test_channels_are_dealt_out_to_the_groups() -> None:
    x = mx.nd.array(np.arange(6).reshape(1, 6, 1, 1)) * mx.nd.ones((2, 1, 3, 2))
    shuffled = shuffle_channels(mx.nd, x, 3).asnumpy()
    assert shuffled.shape == x.shape
    assert shuffled[1, :, 2, 1].tolist() == [0, 2, 4, 1, 3, 5]


@pytest.mark.parametrize(
    ("name", "channels", "millions"),
    [
        ("shufflenet_v1", (24, 24, 240, 480, 960), 1.83),
        ("shufflenet_v2", (24, 24, 116, 232, 1024), 2.28),  # the paper's 2.3
    ],
)
def test_widths_and_sizes(name: str, channels: tuple[int, ...], millions: float) -> None:
    net = get_model(name)
    assert net.backbone.channels == channels
    params = net.collect_params().values()
    size = sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null")
    assert size / 1e6 == pytest.approx(millions, abs=0.01)


def test_units_of_v1_that_stride_keep_the_pooled_input() -> None:
    unit = BACKBONES.create("shufflenet_v1").stages[1][0]
    unit.initialize(mx.init.Xavier())
    x = mx.nd.random.uniform(shape=(1, 240, 8, 8))
    y = unit(x).asnumpy()
    assert y.shape == (1, 480, 4, 4)
    np.testing.assert_array_equal(y[:, :240], unit.pool(x).asnumpy())


def test_units_of_v2_pass_half_of_the_channels_on() -> None:
    unit = BACKBONES.create("shufflenet_v2").stages[0][1]
    unit.initialize(mx.init.Xavier())
    x = mx.nd.random.normal(shape=(1, 116, 4, 4))
    np.testing.assert_array_equal(unit(x)[:, ::2].asnumpy(), x[:, :58].asnumpy())
