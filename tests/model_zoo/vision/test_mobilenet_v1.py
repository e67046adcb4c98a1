from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_model
from toolkit.model_zoo.registry import BACKBONES


@pytest.mark.parametrize(
    ("name", "size", "channels"),
    [
        ("mobilenet1.0", 4_231_976, (64, 128, 256, 512, 1024)),
        ("mobilenet0.75", 2_585_560, (48, 96, 192, 384, 768)),
        ("mobilenet0.5", 1_331_592, (32, 64, 128, 256, 512)),
        ("mobilenet0.25", 470_072, (16, 32, 64, 128, 256)),
    ],
)
def test_sizes_and_widths(name: str, size: int, channels: tuple[int, ...]) -> None:
    net = get_model(name)
    params = net.collect_params().values()
    assert sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null") == size
    assert net.backbone.channels == channels


def test_features_are_the_last_of_each_resolution() -> None:
    net = BACKBONES.create("mobilenet0.25")
    net.initialize(mx.init.Xavier())
    x = mx.nd.random.normal(shape=(1, 3, 64, 64))
    features = net(x)
    assert [f.shape[2] for f in features] == [32, 16, 8, 4, 2]
    rest = features[3]
    for block in list(net.blocks)[11:]:
        rest = block(rest)
    np.testing.assert_array_equal(rest.asnumpy(), features[4].asnumpy())
