from __future__ import annotations

from functools import partial

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import BatchNorm, Dropout

from toolkit.model_zoo import get_model, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn import GroupNorm


def trained_size(name: str) -> int:
    """How many numbers of a model are learned."""
    params = get_model(name).collect_params().values()
    return sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null")


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("resnet18_v1b", 11_689_512),
        ("resnet34_v1b", 21_797_672),
        ("resnet50_v1b", 25_557_032),
        ("resnet101_v1b", 44_549_160),
        ("resnet152_v1b", 60_192_808),
        ("resnet50_v1b_gn", 25_557_032),
        ("resnet50_v1c", 25_576_264),
        ("resnet50_v1d", 25_576_264),
        ("resnet50_v1s", 25_680_808),
    ],
)
def test_sizes_are_those_of_the_papers_and_their_ports(name: str, size: int) -> None:
    assert trained_size(name) == size


def first_strides(name: str) -> list[tuple[int, int]]:
    """Strides of the convolutions in the body that leads from stage 1 to stage 2."""
    return [layer.conv._kwargs["stride"] for layer in BACKBONES.create(name).stages[1][0].body]


def test_v1_strides_in_the_first_1x1_and_v1b_in_the_3x3() -> None:
    assert first_strides("resnet50_v1") == [(2, 2), (1, 1), (1, 1)]
    assert first_strides("resnet50_v1b") == [(1, 1), (2, 2), (1, 1)]
    assert first_strides("resnet18_v1") == first_strides("resnet18_v1b") == [(2, 2), (1, 1)]


def test_only_the_1x1_convolutions_of_v1_bottlenecks_have_biases() -> None:
    unit = BACKBONES.create("resnet50_v1").stages[0][1]
    assert [layer.conv.bias is not None for layer in unit.body] == [True, False, True]
    biases = [
        k for k in BACKBONES.create("resnet50_v1b")._collect_params_with_prefix() if "bias" in k
    ]
    assert biases == []


@pytest.mark.parametrize(
    ("output_stride", "strides"),
    [(32, (4, 8, 16, 32)), (16, (4, 8, 16, 16)), (8, (4, 8, 8, 8))],
)
@pytest.mark.parametrize("name", ["resnet18_v1b", "resnet50_v1d"])
def test_stages_dilate_where_they_do_not_stride(
    name: str, output_stride: int, strides: tuple[int, ...]
) -> None:
    net = BACKBONES.create(name, output_stride=output_stride)
    net.initialize()
    assert net.strides == strides
    features = net(mx.nd.zeros((1, 3, 64, 96)))
    assert [f.shape[2:] for f in features] == [(64 // s, 96 // s) for s in strides]
    usual = BACKBONES.create(name)._collect_params_with_prefix()
    shapes = {key: param.shape for key, param in net._collect_params_with_prefix().items()}
    assert shapes == {key: param.shape for key, param in usual.items()}


def test_dilating_keeps_what_a_cell_sees() -> None:
    """The dilated network computes, at every second cell, what the strided one computes."""
    usual, dilated = (BACKBONES.create("resnet18_v1b", output_stride=s) for s in (32, 16))
    usual.initialize(mx.init.Xavier())
    weights = usual._collect_params_with_prefix()
    for key, param in dilated._collect_params_with_prefix().items():
        param.initialize(init=mx.init.Zero())
        param.set_data(weights[key].data())
    x = mx.nd.random.normal(shape=(1, 3, 64, 64))
    coarse, fine = usual(x)[-1].asnumpy(), dilated(x)[-1].asnumpy()
    np.testing.assert_allclose(fine[:, :, ::2, ::2], coarse, rtol=1e-4, atol=1e-5)


def test_strides_of_stages_may_be_given_and_nothing_dilates() -> None:
    net = BACKBONES.create("resnet18_v1b", strides=(4, 8, 8, 16))
    net.initialize()
    assert net.strides == (4, 8, 8, 16)
    assert [f.shape[2] for f in net(mx.nd.zeros((1, 3, 64, 64)))] == [16, 8, 8, 4]
    convs = [conv for unit in net.stages[2] for conv in unit.body]
    assert {conv.conv._kwargs["dilate"] for conv in convs} == {(1, 1)}


def test_other_output_strides_are_refused() -> None:
    with pytest.raises(ValueError, match="output_stride must be 8, 16 or 32, got 4"):
        BACKBONES.create("resnet18_v1b", output_stride=4)


def test_units_can_begin_as_identities() -> None:
    unit = BACKBONES.create("resnet50_v1b", zero_last_gamma=True).stages[0][1]
    unit.initialize(mx.init.Xavier())
    x = mx.nd.random.normal(shape=(1, 256, 4, 4))
    np.testing.assert_array_equal(unit(x).asnumpy(), mx.nd.relu(x).asnumpy())
    usual = BACKBONES.create("resnet50_v1b").stages[0][1]
    usual.initialize(mx.init.Xavier())
    assert not np.allclose(usual(x).asnumpy(), mx.nd.relu(x).asnumpy())


def test_the_normalization_can_be_chosen() -> None:
    frozen = partial(BatchNorm, use_global_stats=True)
    net = get_model("resnet18_v1b", norm=frozen)
    net.initialize(mx.init.Xavier())
    x = mx.nd.random.normal(shape=(2, 3, 64, 64))
    with mx.autograd.train_mode():
        trained = net(x).asnumpy()
    np.testing.assert_allclose(trained, net(x).asnumpy(), rtol=1e-4, atol=1e-5)


def test_group_norm_variants_keep_no_running_statistics() -> None:
    net = BACKBONES.create("resnet50_v1b_gn")
    assert isinstance(net.norm, GroupNorm)
    assert not any("running" in key for key in net._collect_params_with_prefix())


def test_dropout_stands_before_the_classifier() -> None:
    assert get_model("resnet18_v1b").head.dropout is None
    head = get_model("resnet18_v1b", dropout=0.3).head
    assert isinstance(head.dropout, Dropout)
    assert head.dropout._rate == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("name", "table", "pairs"),
    [
        (
            "resnet50_v1b",
            "torchvision",
            {
                "conv1.weight": "backbone.stem.weight",
                "bn1.running_var": "backbone.norm.running_var",
                "layer3.5.conv2.weight": "backbone.stages.2.5.body.1.conv.weight",
                "layer4.0.bn3.bias": "backbone.stages.3.0.body.2.norm.beta",
                "layer2.0.downsample.0.weight": "backbone.stages.1.0.shortcut.conv.weight",
                "layer2.0.downsample.1.weight": "backbone.stages.1.0.shortcut.norm.gamma",
                "fc.weight": "head.output.weight",
            },
        ),
        (
            "resnet50_v1d",
            "timm_pooled_shortcut",
            {
                "conv1.3.weight": "backbone.stem.1.conv.weight",
                "conv1.4.running_mean": "backbone.stem.1.norm.running_mean",
                "conv1.6.weight": "backbone.stem.2.weight",
                "layer1.0.downsample.1.weight": "backbone.stages.0.0.shortcut.1.conv.weight",
                "layer1.0.downsample.2.weight": "backbone.stages.0.0.shortcut.1.norm.gamma",
            },
        ),
    ],
)
def test_names_of_the_pytorch_world(name: str, table: str, pairs: dict[str, str]) -> None:
    (found,) = (t for t in model_info(name).renames if t.name == table)
    assert {key: found.to_ours(key) for key in pairs} == pairs
    assert found.ignores("layer1.0.bn1.num_batches_tracked")
    ours = set(get_model(name)._collect_params_with_prefix())
    assert set(pairs.values()) <= ours
    assert all(found.to_foreign(key) for key in ours)


def test_attention_may_be_on_the_first_unit_of_each_stage_alone() -> None:
    net = BACKBONES.create("alpha_resnet101")
    having = [[unit.attention is not None for unit in stage] for stage in net.stages]
    assert having == [[index == 0 for index in range(depth)] for depth in (3, 4, 23, 3)]
    assert net.stages[1][0].attention.squeeze.weight.shape == (512, 512)
    assert net.stages[1][0].attention.excite.bias.shape == (512,)
