from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_model, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.vision.densenet import DenseLayer


@pytest.mark.parametrize(
    ("name", "size", "channels"),
    [
        ("densenet121", 7_978_856, (256, 512, 1024, 1024)),
        ("densenet161", 28_681_000, (384, 768, 2112, 2208)),
        ("densenet169", 14_149_480, (256, 512, 1280, 1664)),
        ("densenet201", 20_013_928, (256, 512, 1792, 1920)),
    ],
)
def test_sizes_and_widths(name: str, size: int, channels: tuple[int, ...]) -> None:
    net = get_model(name)
    params = net.collect_params().values()
    assert sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null") == size
    assert net.backbone.channels == channels


def test_layers_keep_what_came_before() -> None:
    layer = DenseLayer(4, 3, norm=mx.gluon.nn.BatchNorm, dropout=0.0)
    layer.initialize(mx.init.Xavier())
    x = mx.nd.random.normal(shape=(1, 4, 5, 5))
    y = layer(x).asnumpy()
    assert y.shape == (1, 7, 5, 5)
    np.testing.assert_array_equal(y[:, :4], x.asnumpy())
    np.testing.assert_array_equal(y[:, 4:], layer.body(x).asnumpy())


def test_dropout_ends_each_layer() -> None:
    usual, other = (BACKBONES.create("densenet121", dropout=d).layers[0][0] for d in (0.0, 0.2))
    assert len(other.body) == len(usual.body) + 1
    assert other.body[-1]._rate == pytest.approx(0.2)


def test_names_of_the_pytorch_world() -> None:
    (table,) = (t for t in model_info("densenet121").renames if t.name == "torchvision")
    pairs = {
        "features.conv0.weight": "backbone.stem.weight",
        "features.norm5.running_mean": "backbone.last.running_mean",
        "features.denseblock3.denselayer24.conv2.weight": "backbone.layers.4.23.body.5.weight",
        "features.denseblock1.denselayer1.norm2.weight": "backbone.layers.0.0.body.3.gamma",
        "features.transition3.norm.bias": "backbone.layers.5.0.beta",
        "features.transition1.conv.weight": "backbone.layers.1.2.weight",
        "classifier.bias": "head.output.bias",
    }
    assert {key: table.to_ours(key) for key in pairs} == pairs
