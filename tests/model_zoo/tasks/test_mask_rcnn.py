"""Mask R-CNN: masks of what Faster R-CNN finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import mxnet as mx
import numpy as np
import pytest
from tests.model_zoo.tasks.rcnn_cases import C4, FPN

from toolkit.model_zoo import list_models, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.tasks.mask_rcnn import MaskRCNN
from toolkit.model_zoo.tasks.rcnn_layouts import RCNNLayout
from toolkit.utils.testing import assert_is_detector

LAYOUT = replace(FPN, mask_convs=1)


def small(layout: RCNNLayout = LAYOUT) -> MaskRCNN:
    """A small one."""
    return MaskRCNN(BACKBONES.create("resnet18_v1b"), 3, layout=layout)


@pytest.fixture
def net() -> MaskRCNN:
    mx.random.seed(0)
    net = small()
    net.initialize(mx.init.MSRAPrelu("in", 0))
    net.network.head.scores.initialize(mx.init.Normal(0.3), force_reinit=True)
    return net


@pytest.fixture
def images() -> mx.nd.NDArray:
    return mx.nd.array(np.random.default_rng(0).normal(size=(2, 3, 64, 64)))


@pytest.mark.parametrize("layout", [LAYOUT, C4], ids=["pyramid", "stage"])
def test_it_is_a_detector(layout: RCNNLayout) -> None:
    assert_is_detector(lambda: small(layout), (2, 3, 64, 64))


def test_a_mask_is_that_of_its_class_and_box(net: MaskRCNN, images: mx.nd.NDArray) -> None:
    ids, _, boxes, masks = (a.asnumpy() for a in net(images))
    assert masks.shape == (2, 20, 8, 8)
    found = ids[..., 0] >= 0
    assert found.any()
    assert (masks[~found] == -1).all()
    assert ((masks[found] >= 0) & (masks[found] <= 1)).all()
    features = net.network(images)[6:]
    for image, row in [(0, 0), (1, 2)]:
        box = mx.nd.array(boxes[image, row])[None, None]
        pooled = net.network.regions(box, *(f[image : image + 1] for f in features))
        scores = net.network.mask_head(pooled)[0, int(ids[image, row, 0])].asnumpy()
        np.testing.assert_allclose(masks[image, row], 1 / (1 + np.exp(-scores)), rtol=1e-4)


def test_masks_of_other_classes(net: MaskRCNN, images: mx.nd.NDArray) -> None:
    before = net.network.mask_head.output.weight.data().asnumpy()
    net.reset_class(2, reuse={0: 2})
    after = net.network.mask_head.output.weight.data().asnumpy()
    assert after.shape[0] == 2
    np.testing.assert_array_equal(after[0], before[2])
    assert net(images)[3].shape == (2, 20, 8, 8)


def test_an_exported_one_gives_the_same(
    net: MaskRCNN, images: mx.nd.NDArray, exported_equals: Callable[..., None]
) -> None:
    exported_equals(net, images, 1e-3)


def test_published_names_are_there() -> None:
    names = list_models(task="mask_rcnn")
    assert len(names) == 9
    assert len([name for name in names if model_info(name).weights]) == 6


def test_upstreams_keys_turn_into_ours_and_back(keys_turn_back: Callable[..., None]) -> None:
    examples = {
        "mask.deconv.3.weight": "network.mask_head.layers.1.conv.weight",
        "mask.deconv.7.gamma": "network.mask_head.layers.2.norm.gamma",
        "mask.mask.bias": "network.mask_head.output.bias",
        "features.resnetv1b_layers2_conv3_weight": (
            "network.features.backbone.stages.1.1.body.1.conv.weight"
        ),
    }
    keys_turn_back("mask_rcnn_fpn_syncbn_resnet18_v1b_coco", examples)
