from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_model, model_info
from toolkit.model_zoo.registry import BACKBONES


def test_the_size_of_v3_is_that_of_the_ports_without_their_auxiliary_head() -> None:
    params = get_model("inceptionv3").collect_params().values()
    assert sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null") == 23_834_568


def test_features_of_the_published_size() -> None:
    features = BACKBONES.create("inceptionv3")(mx.sym.var("data"))
    _, shapes, _ = mx.sym.Group(features).infer_shape(data=(1, 3, 299, 299))
    assert shapes == [
        (1, 64, 147, 147),
        (1, 192, 71, 71),
        (1, 288, 35, 35),
        (1, 768, 17, 17),
        (1, 2048, 8, 8),
    ]
    assert model_info("inceptionv3").preprocess == "imagenet_299"


def test_normalizations_of_v3_have_their_own_epsilon() -> None:
    net = BACKBONES.create("inceptionv3")
    for block in (net.layers[0], net.layers[17][2][1][1]):
        assert block.norm._kwargs["eps"] == pytest.approx(1e-3)


def test_names_of_v3_in_the_pytorch_world() -> None:
    (table,) = (t for t in model_info("inceptionv3").renames if t.name == "torchvision")
    pairs = {
        "Conv2d_4a_3x3.bn.running_var": "backbone.layers.5.norm.running_var",
        "Mixed_5b.branch5x5_2.conv.weight": "backbone.layers.7.1.1.conv.weight",
        "Mixed_6a.branch3x3.conv.weight": "backbone.layers.10.0.0.conv.weight",
        "Mixed_6e.branch7x7dbl_5.bn.weight": "backbone.layers.14.2.4.norm.gamma",
        "Mixed_7a.branch7x7x3_4.conv.weight": "backbone.layers.15.1.3.conv.weight",
        "Mixed_7c.branch3x3dbl_3b.conv.weight": "backbone.layers.17.2.1.1.conv.weight",
        "fc.bias": "head.output.bias",
    }
    assert {key: table.to_ours(key) for key in pairs} == pairs
    assert table.ignores("AuxLogits.fc.weight")


def test_the_size_is_that_of_the_ports_without_their_auxiliary_heads() -> None:
    net = get_model("googlenet")
    params = net.collect_params().values()
    assert sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null") == 6_624_904
    assert net.backbone.channels == (64, 192, 480, 832, 1024)


def test_normalizations_have_their_own_epsilon() -> None:
    net = get_model("googlenet")
    for block in (net.backbone.layers[0], net.backbone.layers[15][3][1]):
        assert block.norm._kwargs["eps"] == pytest.approx(1e-3)


def test_the_second_name_that_gluoncv_gives_the_classifier_is_passed_over() -> None:
    table = model_info("googlenet").renames[0]
    assert table.to_ours("output.weight") == "head.output.weight"
    assert table.ignores("head.2.weight")
    assert not table.ignores("output.weight")


def test_names_of_the_pytorch_world() -> None:
    (table,) = (t for t in model_info("googlenet").renames if t.name == "torchvision")
    pairs = {
        "conv2.bn.weight": "backbone.layers.2.norm.gamma",
        "inception4e.branch1.conv.weight": "backbone.layers.12.0.0.conv.weight",
        "inception3a.branch2.1.conv.weight": "backbone.layers.5.1.1.conv.weight",
        "inception5b.branch4.1.bn.bias": "backbone.layers.15.3.1.norm.beta",
        "fc.weight": "head.output.weight",
    }
    assert {key: table.to_ours(key) for key in pairs} == pairs
    assert table.ignores("aux1.fc1.weight")
