from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_model, model_info
from toolkit.model_zoo.registry import BACKBONES


def test_the_size_is_that_of_the_ports() -> None:
    params = get_model("alexnet").collect_params().values()
    assert sum(int(np.prod(p.shape)) for p in params) == 61_100_840


def test_features_of_the_published_size() -> None:
    net = BACKBONES.create("alexnet")
    net.initialize()
    features = net(mx.nd.random.normal(shape=(1, 3, 224, 224)))
    assert [f.shape[1:] for f in features] == [
        (64, 55, 55),
        (192, 27, 27),
        (256, 13, 13),
        (256, 6, 6),
    ]


def test_the_dropout_rate_is_an_option() -> None:
    hidden = get_model("alexnet", dropout=0.25).head.hidden
    assert [hidden[i]._rate for i in (1, 3)] == [pytest.approx(0.25)] * 2


def test_names_of_the_pytorch_world() -> None:
    (table,) = (t for t in model_info("alexnet").renames if t.name == "torchvision")
    pairs = {
        "features.3.weight": "backbone.layers.2.conv.weight",
        "features.10.bias": "backbone.layers.6.conv.bias",
        "classifier.1.weight": "head.hidden.0.weight",
        "classifier.6.weight": "head.output.weight",
    }
    assert {key: table.to_ours(key) for key in pairs} == pairs
