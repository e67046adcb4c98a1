from __future__ import annotations

import numpy as np
import pytest

from toolkit.model_zoo import get_model, model_info


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
