from __future__ import annotations

from dataclasses import replace
from functools import partial

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import AvgPool2D

from toolkit.model_zoo import get_model, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.vision.resnet import VARIANTS, ResNet
from toolkit.utils.testing import assert_is_backbone


@pytest.mark.parametrize("name", ["se_resnext50_32x4d", "resnext101e_64x4d", "senet_154"])
def test_a_shallow_one_is_a_backbone(name: str) -> None:
    config = replace(VARIANTS[name], depths=(1, 1, 1, 1), groups=2, zero_last_gamma=False)
    assert_is_backbone(partial(ResNet, config))


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("resnext50_32x4d", 25_028_904),  # the paper's 25.0 million
        ("se_resnext50_32x4d", 27_559_896),
        ("senet_154", 115_088_984),  # the paper's 115.1 million
    ],
)
def test_sizes(name: str, size: int) -> None:
    params = get_model(name).collect_params().values()
    assert sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null") == size


def test_the_name_tells_groups_and_their_width() -> None:
    for name, groups in (("resnext50_32x4d", 32), ("resnext101_64x4d", 64)):
        net = BACKBONES.create(name)
        for stage, units in enumerate(net.stages):
            conv = units[0].body[1].conv
            assert conv._kwargs["num_group"] == groups
            assert conv.weight.shape[:2] == (groups * 4 << stage, 4 << stage)


def test_units_begin_as_identities_unless_told_otherwise() -> None:
    x = mx.nd.random.normal(shape=(1, 256, 4, 4))
    for options, identity in (({}, True), ({"zero_last_gamma": False}, False)):
        unit = BACKBONES.create("resnext50_32x4d", **options).stages[0][1]
        unit.initialize(mx.init.Xavier())
        assert np.array_equal(unit(x).asnumpy(), mx.nd.relu(x).asnumpy()) == identity


def test_what_senet_154_has_of_its_own() -> None:
    net = get_model("senet_154")
    first, second = (net.backbone.stages[stage][0] for stage in (0, 1))
    assert first.body[0].conv.weight.shape == (128, 128, 1, 1)
    assert first.body[1].conv.weight.shape == (256, 2, 3, 3)
    assert first.shortcut.conv.weight.shape[2:] == (1, 1)
    assert second.shortcut.conv.weight.shape[2:] == (3, 3)
    assert net.head.dropout._rate == pytest.approx(0.2)
    assert get_model("senet_154", dropout=0.0).head.dropout is None


@pytest.mark.parametrize("name", ["resnext101e_64x4d", "senet_154e"])
def test_those_with_an_e_pool_their_shortcuts(name: str) -> None:
    first, *others = (stage[0].shortcut for stage in BACKBONES.create(name).stages)
    assert first.conv.weight.shape[2:] == (1, 1)
    for shortcut in others:
        assert isinstance(shortcut[0], AvgPool2D)
        assert shortcut[1].conv.weight.shape[2:] == (1, 1)


def test_names_of_the_pytorch_world() -> None:
    (table,) = (t for t in model_info("resnext50_32x4d").renames if t.name == "torchvision")
    pairs = {
        "conv1.weight": "backbone.stem.0.conv.weight",
        "bn1.running_var": "backbone.stem.0.norm.running_var",
        "layer3.5.conv2.weight": "backbone.stages.2.5.body.1.conv.weight",
        "layer4.0.bn3.bias": "backbone.stages.3.0.body.2.norm.beta",
        "layer2.0.downsample.1.weight": "backbone.stages.1.0.shortcut.norm.gamma",
        "fc.weight": "head.output.weight",
    }
    assert {key: table.to_ours(key) for key in pairs} == pairs
    assert table.ignores("layer1.0.bn1.num_batches_tracked")
    ours = set(get_model("resnext50_32x4d")._collect_params_with_prefix())
    assert set(pairs.values()) <= ours
    assert all(table.to_foreign(key) for key in ours)


def test_a_narrow_one_for_cifar_is_a_backbone() -> None:
    config = replace(VARIANTS["cifar_resnext29_32x4d"], depths=(1, 1, 1), groups=2)
    assert_is_backbone(partial(ResNet, config), (1, 3, 32, 32))


@pytest.mark.parametrize(("groups", "width"), [(32, 4), (16, 64)])
def test_the_name_of_cifars_tells_groups_and_their_width(groups: int, width: int) -> None:
    net = get_model(f"cifar_resnext29_{groups}x{width}d")
    for stage, units in enumerate(net.backbone.stages):
        conv = units[0].body[1].conv
        assert conv._kwargs["num_group"] == groups
        assert conv.weight.shape == (groups * width << stage, width << stage, 3, 3)


def test_the_size_of_cifars_is_that_of_the_paper() -> None:
    params = get_model("cifar_resnext29_16x64d").collect_params().values()
    size = sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null")
    assert size / 1e6 == pytest.approx(68.1, abs=0.1)
