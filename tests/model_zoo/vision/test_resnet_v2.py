from __future__ import annotations

from dataclasses import replace
from functools import partial

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import Dropout

from toolkit.model_zoo import get_model
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.vision.resnet_v2 import VARIANTS, ResNetV2
from toolkit.utils.testing import assert_is_backbone


def test_only_the_last_feature_is_activated() -> None:
    net = BACKBONES.create("resnet18_v2")
    net.initialize(mx.init.Xavier())
    *sums, last = (f.asnumpy() for f in net(mx.nd.random.normal(shape=(1, 3, 64, 64))))
    assert all(feature.min() < 0 for feature in sums)
    assert last.min() == 0 < last.max()


def test_images_are_normalized_without_scale() -> None:
    net = BACKBONES.create("resnet18_v2")
    first = net.stem[0]
    assert (first.gamma.grad_req, first.beta.grad_req) == ("null", "null")
    assert first.running_mean.shape == (3,)


@pytest.mark.parametrize("name", ["resnet18_v2", "resnet50_v2"])
def test_units_can_begin_as_identities(name: str) -> None:
    unit = BACKBONES.create(name, zero_last_gamma=True).stages[1][1]
    unit.initialize(mx.init.Xavier())
    x = mx.nd.random.normal(shape=(1, unit.norm.gamma.shape[0], 4, 4))
    np.testing.assert_array_equal(unit(x).asnumpy(), x.asnumpy())


def test_squeeze_excitation_gates_each_unit() -> None:
    net = BACKBONES.create("se_resnet50_v2")
    gated = [unit.attention.squeeze.weight.shape for stage in net.stages for unit in stage]
    assert gated == [(16, 256)] * 3 + [(32, 512)] * 4 + [(64, 1024)] * 6 + [(128, 2048)] * 3


def test_the_size_is_that_of_the_paper() -> None:
    params = get_model("resnet50_v2").collect_params().values()
    assert sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null") == 25_549_480


def test_a_wide_one_is_a_backbone() -> None:
    config = replace(VARIANTS["cifar_wideresnet16_10"], depths=(1, 1, 1), width=32)
    assert_is_backbone(partial(ResNetV2, config), (1, 3, 32, 32))


@pytest.mark.parametrize(("depth", "width"), [(16, 10), (28, 10), (40, 8)])
def test_the_name_of_a_wide_one_tells_depth_and_width(depth: int, width: int) -> None:
    net = get_model(f"cifar_wideresnet{depth}_{width}")
    params = net._collect_params_with_prefix()
    deep = [k for k in params if k.endswith("weight") and ".shortcut." not in k]
    assert len(deep) == depth - 2  # the paper counts two of the shortcuts
    assert net.backbone.channels == (16 * width, 32 * width, 64 * width)


def test_the_size_of_a_wide_one_is_that_of_the_paper() -> None:
    params = get_model("cifar_wideresnet28_10").collect_params().values()
    size = sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null")
    assert size / 1e6 == pytest.approx(36.5, abs=0.05)


def test_dropout_of_a_wide_one_stands_between_the_convolutions() -> None:
    unit = BACKBONES.create("cifar_wideresnet16_10", dropout=0.3).stages[0][0]
    assert isinstance(unit.body[0].act[1], Dropout)
    unit.initialize(mx.init.Xavier())
    x = mx.nd.random.normal(shape=(1, 16, 4, 4))
    usual = unit(x).asnumpy()
    with mx.autograd.train_mode():
        assert not np.allclose(unit(x).asnumpy(), usual)


def test_dropout_of_a_bottleneck_stands_before_its_last_convolution() -> None:
    body = BACKBONES.create("resnet50_v2", dropout=0.3).stages[1][1].body
    assert [isinstance(conv.act, Dropout) for conv in body] == [False] * 3
    assert isinstance(body[1].act[1], Dropout)
