"""What brings features to a fine grid."""

from __future__ import annotations

import mxnet as mx
import pytest
from mxnet.gluon.nn import BatchNorm

from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.tasks.center_net_necks import NECKS, Neck


@pytest.mark.parametrize(
    ("backbone", "neck", "channels", "stride"),
    [
        ("mobilenet0.25", Neck("deconv", (8, 6)), 6, 8),
        ("resnet18_v1b", Neck("shuffle", (8, 6, 4)), 4, 4),
        ("resnet18_v1b", Neck("aggregation"), 64, 4),
        ("mobilenet0.25", Neck("aggregation", deformable=True), 32, 4),
        ("resnet18_v1b", Neck("pyramid", (6,)), 6, 4),
    ],
)
def test_any_backbone_takes_any_neck(backbone: str, neck: Neck, channels: int, stride: int) -> None:
    body = BACKBONES.create(backbone)
    block = neck.build(body, BatchNorm)
    assert (block.channels, block.stride) == (channels, stride)
    for part in (body, block):
        part.initialize()
    y = block(*body(mx.nd.zeros((1, 3, 64, 96))))
    assert y.shape == (1, channels, 64 // stride, 96 // stride)
    keys = " ".join(block._collect_params_with_prefix())
    assert ("offset.weight" in keys) == neck.deformable


def test_published_necks_end_at_stride_4() -> None:
    backbone = BACKBONES.create("dla34")
    assert {neck.build(backbone, BatchNorm).stride for neck in NECKS.values()} == {4}


def test_a_pyramid_sums_up_all_features() -> None:
    backbone = BACKBONES.create("mobilenet0.25")  # strides 2 to 32
    neck = Neck("pyramid", (4,)).build(backbone, BatchNorm)
    neck.initialize()
    features = [
        mx.nd.random.normal(shape=(1, width, 64 // stride, 64 // stride))
        for width, stride in zip(backbone.channels, backbone.strides, strict=True)
    ]
    y = neck(*features)
    for place, feature in enumerate(features):
        changed = [*features]
        changed[place] = feature + 1
        assert (neck(*changed) == y).min().asscalar() == (backbone.strides[place] < 4)


def test_no_such_neck() -> None:
    with pytest.raises(ValueError, match="deconv"):
        Neck("deconvolution")
    with pytest.raises(ValueError, match=r"one number of channels, got \(8, 4\)"):
        Neck("pyramid", (8, 4))


def test_a_neck_that_does_not_fit_says_why() -> None:
    backbone = BACKBONES.create("resnet18_v1b")
    with pytest.raises(ValueError, match="stride 32 cannot be doubled 6 times"):
        Neck("deconv", (8,) * 6).build(backbone, BatchNorm)
    backbone.strides = (4, 8, 8, 8)
    with pytest.raises(ValueError, match=r"strides 4, 8 and so on.*\(4, 8, 8, 8\)"):
        Neck("aggregation").build(backbone, BatchNorm)
