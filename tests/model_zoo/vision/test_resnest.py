from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import Dropout

from toolkit.model_zoo import get_model, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn import DropBlock


@pytest.mark.parametrize(
    ("name", "size"),
    [("resnest14", 10_611_688), ("resnest26", 17_069_448), ("resnest50", 27_483_240)],
)
def test_sizes_are_those_of_the_published_networks(name: str, size: int) -> None:
    params = get_model(name).collect_params().values()
    assert sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null") == size


@pytest.mark.parametrize("output_stride", [32, 16, 8])
def test_stages_dilate_where_they_do_not_stride(output_stride: int) -> None:
    net = BACKBONES.create("resnest14", output_stride=output_stride)
    net.initialize()
    features = net(mx.nd.zeros((1, 3, 64, 96)))
    assert [f.shape[2:] for f in features] == [(64 // s, 96 // s) for s in net.strides]
    assert net.strides[-1] == output_stride


def test_other_output_strides_are_refused() -> None:
    with pytest.raises(ValueError, match="output_stride must be 8, 16 or 32, got 64"):
        BACKBONES.create("resnest14", output_stride=64)


def test_the_deepest_have_dropout_of_their_own() -> None:
    assert BACKBONES.create("resnest50").head(7).dropout is None
    assert isinstance(BACKBONES.create("resnest200").head(7).dropout, Dropout)
    assert BACKBONES.create("resnest200", dropout=0.0).head(7).dropout is None


def test_names_of_the_pytorch_world() -> None:
    (table,) = (t for t in model_info("resnest50").renames if t.name == "timm")
    pairs = {
        "conv1.6.weight": "backbone.stem.2.weight",
        "layer2.0.conv2.bn0.running_var": "backbone.stages.1.0.body.1.conv.norm.running_var",
        "layer2.0.conv2.bn1.weight": "backbone.stages.1.0.body.1.squeeze.norm.gamma",
        "layer2.0.conv2.fc2.bias": "backbone.stages.1.0.body.1.excite.bias",
        "layer2.0.downsample.1.weight": "backbone.stages.1.0.shortcut.1.conv.weight",
    }
    assert {key: table.to_ours(key) for key in pairs} == pairs
    ours = set(get_model("resnest50")._collect_params_with_prefix())
    assert set(pairs.values()) <= ours
    assert all(table.to_foreign(key) for key in ours)


def test_dropblock_stands_in_the_last_two_stages() -> None:
    net = get_model("resnest14", dropblock=0.1)
    places = [
        stage
        for stage, units in enumerate(net.backbone.stages)
        for b in blocks_of(units)
        if isinstance(b, DropBlock)
    ]
    assert places == [2, 2, 2, 3, 3, 3]
    usual = get_model("resnest14")
    assert list(net._collect_params_with_prefix()) == list(usual._collect_params_with_prefix())
    assert not any(isinstance(b, DropBlock) for b in blocks_of(usual))
    net.initialize(mx.init.Xavier())
    with mx.autograd.record():
        loss = net(mx.nd.random.normal(shape=(2, 3, 64, 64))).square().mean()
    loss.backward()
    gradient = net.backbone.stem[0].conv.weight.grad().asnumpy()
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0


def blocks_of(block: mx.gluon.Block) -> list[mx.gluon.Block]:
    """The blocks within one."""
    found: list[mx.gluon.Block] = []
    block.apply(found.append)
    return found
