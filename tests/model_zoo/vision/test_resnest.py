from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import BatchNorm, Dropout

from toolkit.model_zoo import get_model, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.vision.resnest import DropBlock, SplitAttention


@pytest.mark.parametrize(
    ("name", "size"),
    [("resnest14", 10_611_688), ("resnest26", 17_069_448), ("resnest50", 27_483_240)],
)
def test_sizes_are_those_of_the_published_networks(name: str, size: int) -> None:
    params = get_model(name).collect_params().values()
    assert sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null") == size


def test_split_attention_weighs_two_convolutions_by_shares_of_one() -> None:
    block = SplitAttention(4, norm=BatchNorm)
    block.initialize(mx.init.Normal(1))
    x = mx.nd.random.normal(shape=(2, 4, 5, 5))
    first, second = (half.asnumpy() for half in mx.nd.split(block.conv(x), 2, axis=1))
    means = mx.nd.array((first + second).mean((2, 3), keepdims=True))
    scores = block.excite(block.squeeze(means)).asnumpy().reshape(2, 2, 4, 1, 1)
    shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    expected = shares[:, 0] * first + shares[:, 1] * second
    np.testing.assert_allclose(block(x).asnumpy(), expected, rtol=1e-4, atol=1e-4)


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


@pytest.mark.parametrize("hybridize", [False, True])
def test_dropblock_drops_squares_in_training_alone(hybridize: bool) -> None:
    mx.random.seed(0)
    block = DropBlock(0.1)
    block.hybridize(hybridize)
    x = mx.nd.random.uniform(1, 2, shape=(2, 64, 16, 16))
    np.testing.assert_array_equal(block(x).asnumpy(), x.asnumpy())
    with mx.autograd.train_mode():
        y = block(x).asnumpy()
    np.testing.assert_array_equal(block(x).asnumpy(), x.asnumpy())
    dropped = y == 0
    assert dropped.mean() == pytest.approx(0.1, abs=0.02)  # squares overlap a little
    np.testing.assert_array_equal(dropped[0], dropped[1])
    ratio = y[~dropped] / x.asnumpy()[~dropped]
    np.testing.assert_allclose(ratio, 1 / (1 - dropped.mean()), rtol=1e-4)
    alone = dropped[0][:, 1:-1, 1:-1]
    beside = sum(np.roll(dropped[0], s, 1)[:, 1:-1, 1:-1].astype(int) for s in (1, -1))
    assert (beside[alone] > 0).all()


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
