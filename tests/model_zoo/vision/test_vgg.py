from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import BatchNorm

from toolkit.model_zoo import get_model, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.vision.vgg import VGGAtrous, VGGAtrousConfig
from toolkit.utils.testing import assert_is_backbone

SMALL = VGGAtrousConfig((1, 1, 1, 1, 1), (4, 4, 8, 8, 8), last=16)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("vgg11", 132_863_336),
        ("vgg13", 133_047_848),
        ("vgg16", 138_357_544),
        ("vgg19", 143_667_240),
        ("vgg11_bn", 132_868_840),
        ("vgg13_bn", 133_053_736),
        ("vgg16_bn", 138_365_992),
        ("vgg19_bn", 143_678_248),
    ],
)
def test_sizes_are_those_of_the_paper_and_its_ports(name: str, size: int) -> None:
    params = get_model(name).collect_params().values()
    assert sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null") == size


@pytest.mark.parametrize("depth", [11, 13, 16, 19])
@pytest.mark.parametrize("suffix", ["", "_bn"])
def test_the_name_tells_the_depth_and_the_normalization(depth: int, suffix: str) -> None:
    keys = get_model(f"vgg{depth}{suffix}")._collect_params_with_prefix()
    assert sum(key.endswith(".weight") for key in keys) == depth
    assert any(key.endswith(".gamma") for key in keys) == bool(suffix)


def test_features_are_the_stages_and_the_last_one_pooled() -> None:
    net = BACKBONES.create("vgg11")
    net.initialize()
    features = net(mx.nd.random.normal(shape=(1, 3, 32, 64)))
    assert [f.shape[1:] for f in features] == [
        (c, 32 // s, 64 // s) for c, s in zip(net.channels, net.strides, strict=True)
    ]
    pooled = mx.nd.Pooling(features[4], kernel=(2, 2), stride=(2, 2), pool_type="max")
    np.testing.assert_array_equal(features[5].asnumpy(), pooled.asnumpy())


def test_the_normalization_can_be_chosen_where_there_is_one() -> None:
    def norm(**options: int) -> BatchNorm:
        return BatchNorm(scale=False, **options)

    keys = BACKBONES.create("vgg11_bn", norm=norm)._collect_params_with_prefix()
    assert all(p.grad_req == "null" for key, p in keys.items() if key.endswith("gamma"))
    assert not any("norm" in key for key in BACKBONES.create("vgg11", norm=norm).collect_params())


@pytest.mark.parametrize(
    ("name", "table", "pairs"),
    [
        (
            "vgg16",
            "gluoncv_vgg16",
            {
                "features.14.bias": "backbone.stages.2.2.conv.bias",
                "features.28.weight": "backbone.stages.4.2.conv.weight",
                "features.31.weight": "head.hidden.0.weight",
                "features.33.weight": "head.hidden.2.weight",
                "output.bias": "head.output.bias",
            },
        ),
        (
            "vgg11_bn",
            "torchvision_vgg11_bn",
            {
                "features.0.weight": "backbone.stages.0.0.conv.weight",
                "features.1.weight": "backbone.stages.0.0.norm.gamma",
                "features.26.running_var": "backbone.stages.4.1.norm.running_var",
                "classifier.3.weight": "head.hidden.2.weight",
                "classifier.6.weight": "head.output.weight",
            },
        ),
    ],
)
def test_names_elsewhere(name: str, table: str, pairs: dict[str, str]) -> None:
    (renames,) = (t for t in model_info(name).renames if t.name == table)
    assert {key: renames.to_ours(key) for key in pairs} == pairs
    assert {renames.to_foreign(ours): ours for ours in pairs.values()} == pairs


def test_one_with_holes_is_a_backbone() -> None:
    assert_is_backbone(lambda: VGGAtrous(SMALL))


def test_the_published_one_with_holes_has_its_widths() -> None:
    net = BACKBONES.create("vgg16_atrous")
    assert net.channels == (512, 1024)
    assert net.strides == (8, 16)


def test_the_fine_feature_has_one_length_in_every_cell() -> None:
    net = VGGAtrous(SMALL)
    net.initialize(mx.init.Xavier())
    fine, _ = net(mx.nd.random.normal(shape=(1, 3, 64, 64)))
    lengths = np.linalg.norm(fine.asnumpy(), axis=1)
    np.testing.assert_allclose(lengths[lengths > 1e-3], 20, rtol=1e-2)
    assert (lengths > 1e-3).any()
