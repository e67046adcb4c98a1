from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_model
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.vision.mobilenet_v2 import ReLU6


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("mobilenetv2_1.0", (16, 24, 32, 96, 1280)),
        ("mobilenetv2_0.75", (12, 18, 24, 72, 1280)),
        ("mobilenetv2_0.5", (8, 12, 16, 48, 1280)),
        ("mobilenetv2_0.25", (4, 6, 8, 24, 1280)),
    ],
)
def test_all_but_the_last_feature_shrink_with_the_width(
    name: str, channels: tuple[int, ...]
) -> None:
    assert BACKBONES.create(name).channels == channels


def test_the_size_is_that_of_the_paper() -> None:
    params = get_model("mobilenetv2_1.0").collect_params().values()
    assert sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null") == 3_503_872


def test_blocks_add_their_input_where_shapes_agree() -> None:
    net = BACKBONES.create("mobilenetv2_0.25")
    net.initialize(mx.init.Zero())
    x = mx.nd.random.normal(shape=(1, 6, 8, 8))
    np.testing.assert_array_equal(net.blocks[2](x).asnumpy(), x.asnumpy())  # 6 to 6 channels
    assert not net.blocks[3](x).asnumpy().any()  # strides


def test_the_first_block_can_expand() -> None:
    usual, other = (
        BACKBONES.create("mobilenetv2_0.25", expand_first=e)._collect_params_with_prefix()
        for e in (False, True)
    )
    assert {key.rsplit(".", 2)[0] for key in other.keys() - usual.keys()} == {"blocks.0.body.2"}
    assert other["blocks.0.body.0.conv.weight"].shape == (8, 8, 1, 1)


def test_relu6_cuts_at_both_ends() -> None:
    x = mx.nd.array([-1.0, 0.0, 3.5, 6.0, 7.0])
    np.testing.assert_array_equal(ReLU6()(x).asnumpy(), [0, 0, 3.5, 6, 6])
