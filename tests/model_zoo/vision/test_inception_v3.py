from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_model, model_info
from toolkit.model_zoo.registry import BACKBONES


def test_the_size_is_that_of_the_ports_without_their_auxiliary_head() -> None:
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


def test_normalizations_have_their_own_epsilon() -> None:
    net = BACKBONES.create("inceptionv3")
    for block in (net.layers[0], net.layers[17][2][1][1]):
        assert block.norm._kwargs["eps"] == pytest.approx(1e-3)


def test_names_of_the_pytorch_world() -> None:
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
