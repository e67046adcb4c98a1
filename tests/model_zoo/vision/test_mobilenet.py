from __future__ import annotations

from functools import partial

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import BatchNorm

from toolkit.model_zoo import get_model
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.vision.mobilenet import GatedInvertedResidual, Row


@pytest.mark.parametrize(
    ("name", "size", "channels"),
    [
        ("mobilenet1.0", 4_231_976, (64, 128, 256, 512, 1024)),
        ("mobilenet0.75", 2_585_560, (48, 96, 192, 384, 768)),
        ("mobilenet0.5", 1_331_592, (32, 64, 128, 256, 512)),
        ("mobilenet0.25", 470_072, (16, 32, 64, 128, 256)),
    ],
)
def test_sizes_and_widths_of_v1(name: str, size: int, channels: tuple[int, ...]) -> None:
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


def test_the_size_of_v2_is_that_of_the_paper() -> None:
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


@pytest.mark.parametrize(
    ("name", "channels", "gated"),
    [
        ("mobilenetv3_large", (16, 24, 40, 112, 960), [3, 4, 5, 10, 11, 12, 13, 14]),
        ("mobilenetv3_small", (16, 16, 24, 48, 576), [0, 3, 4, 5, 6, 7, 8, 9, 10]),
    ],
)
def test_widths_and_gates_of_v3(name: str, channels: tuple[int, ...], gated: list[int]) -> None:
    net = BACKBONES.create(name)
    assert net.channels == channels
    assert [i for i, block in enumerate(net.blocks) if block.attention is not None] == gated


def test_features_of_v3_are_the_last_of_each_resolution() -> None:
    net = BACKBONES.create("mobilenetv3_small")
    net.initialize(mx.init.Xavier())
    features = net(mx.nd.random.normal(shape=(1, 3, 64, 64)))
    assert [f.shape[2] for f in features] == [32, 16, 8, 4, 2]
    rest = features[3]
    for block in list(net.blocks)[8:]:
        rest = block(rest)
    np.testing.assert_array_equal(net.last(rest).asnumpy(), features[4].asnumpy())


def test_gated_blocks_add_their_input_where_shapes_agree() -> None:
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


def test_what_adds_its_input_can_begin_as_the_identity() -> None:
    net = BACKBONES.create("mobilenetv3_small", zero_last_gamma=True)
    net.initialize()
    for block in net.blocks:
        assert bool(block.project.norm.gamma.data().asnumpy().any()) != block._adds
    assert any(block._adds for block in net.blocks)
