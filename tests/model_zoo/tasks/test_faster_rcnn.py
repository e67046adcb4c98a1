"""Faster R-CNN: predictions, detections, other classes, other backbones, upstream's names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from tests.model_zoo.tasks.rcnn_cases import C4, FPN

from toolkit.model_zoo import list_models, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.tasks.faster_rcnn import FasterRCNN
from toolkit.model_zoo.tasks.rcnn_layouts import LAYOUTS, RCNNLayout
from toolkit.nn.proposals import ProposalRule
from toolkit.utils.testing import assert_is_detector


def small(layout: RCNNLayout = FPN, classes: Any = 3, backbone: str = "resnet18_v1b") -> FasterRCNN:
    """A small one."""
    return FasterRCNN(BACKBONES.create(backbone), classes, layout=layout)


def ready(layout: RCNNLayout = FPN, classes: Any = 3) -> FasterRCNN:
    """A small one with random weights that say something."""
    net = small(layout, classes)
    mx.random.seed(0)
    net.initialize(mx.init.MSRAPrelu("in", 0))
    head = net.network.head
    for layer, scale in ((head.scores, 0.3), (head.codes, 0.3), (net.network.proposer.scores, 0.1)):
        layer.initialize(mx.init.Normal(scale), force_reinit=True)
    return net


@pytest.fixture
def images() -> mx.nd.NDArray:
    return mx.nd.array(np.random.default_rng(0).normal(size=(2, 3, 64, 96)))


@pytest.mark.parametrize(
    "layout",
    [FPN, C4, replace(FPN, normalize=True, convs=1, halve=True), replace(FPN, per_class=False)],
    ids=["pyramid", "stage", "normalized", "shared boxes"],
)
def test_it_is_a_detector(layout: RCNNLayout) -> None:
    assert_is_detector(lambda: small(layout), (2, 3, 64, 64))


def test_a_double_head_tells_boxes_apart() -> None:
    net = ready(replace(C4, units=(10,), double=True))
    assert net.network.head.boxes is not None
    assert net(mx.nd.zeros((1, 3, 64, 64)))[0].shape == (1, 20, 1)


@pytest.mark.parametrize("backbone", ["squeezenet1.1", "mobilenet0.25", "darknet53"])
def test_any_backbone_that_halves_takes_a_pyramid(backbone: str) -> None:
    levels = 3
    layout = replace(FPN, levels=levels, sides=FPN.sides[:4])
    net = small(layout, backbone=backbone)
    net.initialize()
    assert net(mx.nd.zeros((1, 3, 64, 64)))[2].shape == (1, 20, 4)


def test_predictions_are_for_the_proposed_regions(images: mx.nd.NDArray) -> None:
    scores, codes, rois, found, boxes, anchors, *features = ready().network(images)
    count = 3 * (16 * 24 + 8 * 12 + 4 * 6 + 2 * 3 + 1 * 2)
    assert (scores.shape, codes.shape, rois.shape) == ((2, 12, 4), (2, 12, 3, 4), (2, 12, 4))
    assert (found.shape, boxes.shape, anchors.shape) == ((2, count), (2, count, 4), (1, count, 4))
    assert [f.shape[2] for f in features] == [16, 8, 4, 2, 1]
    corners = rois.asnumpy()
    there = corners[..., 2] >= 0
    assert there.any(1).all()
    assert (corners[there] >= 0).all()
    assert (corners[there] <= [96, 64, 96, 64]).all()


def test_an_image_is_seen_alone(images: mx.nd.NDArray) -> None:
    net = ready()
    both = [a.asnumpy() for a in net(images)]
    for place in range(2):
        alone = [a.asnumpy()[0] for a in net(images[place : place + 1])]
        for ours, theirs in zip(alone, both, strict=True):
            np.testing.assert_allclose(ours, theirs[place], rtol=1e-3, atol=1e-3)


def test_rows_without_a_region_are_no_detections(images: mx.nd.NDArray) -> None:
    net = ready()
    scores, codes, rois, *_ = net.network(images)
    rois[:, 3:] = -1
    ids = net.postprocess(scores, codes, rois)[0].asnumpy()
    assert 1 <= (ids[0] >= 0).sum() <= 3 * 3


def test_regions_cut_to_a_line_by_the_edge_are_told_apart_as_upstream_does(
    images: mx.nd.NDArray,
) -> None:
    net = ready()
    scores, codes, rois, *_ = (a.zeros_like() for a in net.network(images))
    rois[:] = -1
    rois[0, 4] = mx.nd.array([10, 0, 30, 0])
    scores[0, 4] = mx.nd.array([0, 0, 9, 0])
    ids, _, corners = (a[0].asnumpy() for a in net.postprocess(scores, codes, rois))
    assert ids[0] == [1]
    np.testing.assert_allclose(corners[0], [10, 0, 30, 0], atol=1e-5)


def test_a_box_is_decoded_by_the_papers_formula(images: mx.nd.NDArray) -> None:
    net = ready()
    scores, codes, rois, *_ = (a.zeros_like() for a in net.network(images))
    rois[1, 4] = mx.nd.array([10, 20, 30, 60])
    codes[1, 4, 2] = mx.nd.array([1, -1, 1, -1])
    scores[1, 4] = mx.nd.array([0, 0, 0, 9])
    ids, probs, corners = (a[1, 0].asnumpy() for a in net.postprocess(scores, codes, rois))
    assert ids == [2]
    assert probs[0] == pytest.approx(np.exp(9) / (np.exp(9) + 3), rel=1e-5)
    width, height = 20 * np.exp(0.2), 40 * np.exp(-0.2)
    middle_x, middle_y = 20 + 0.1 * 20, 40 - 0.1 * 40
    expected = [middle_x - width / 2, middle_y - height / 2]
    np.testing.assert_allclose(corners[:2], expected, rtol=1e-5)
    np.testing.assert_allclose(corners[2:] - corners[:2], [width, height], rtol=1e-5)


def test_classes_are_reset_and_some_kept(images: mx.nd.NDArray) -> None:
    net = ready(classes=["cat", "dog", "cow"])
    before = [a.asnumpy() for a in net.network(images)[:2]]
    net.hybridize()
    net(images)
    net.reset_class(["horse", "cow"], reuse=["cow"])
    assert net.labels == ("horse", "cow")
    after = [a.asnumpy() for a in net.network(images)[:2]]
    np.testing.assert_allclose(after[0][..., [0, 2]], before[0][..., [0, 3]], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(after[1][..., 1, :], before[1][..., 2, :], rtol=1e-3, atol=1e-4)
    assert np.abs(after[0][..., 1] - before[0][..., 1]).max() > 1e-3


def test_boxes_that_all_classes_share_are_kept(images: mx.nd.NDArray) -> None:
    net = ready(replace(FPN, per_class=False))
    before = net.network(images)[1].asnumpy()
    net.reset_class(7)
    np.testing.assert_allclose(net.network(images)[1].asnumpy(), before, rtol=1e-3, atol=1e-4)


def test_the_number_of_regions_can_be_changed(images: mx.nd.NDArray) -> None:
    net = ready()
    net.hybridize()
    assert net.network(images)[2].shape[1] == 12
    net.set_proposals(proposals=7)
    assert net.network(images)[2].shape[1] == 7


def test_layouts_are_told_from_each_other() -> None:
    with pytest.raises(ValueError, match=r"unknown R-CNN layout 'fpm'.*fpn"):
        FasterRCNN(BACKBONES.create("resnet18_v1b"), 3, layout="fpm")
    with pytest.raises(ValueError, match="SqueezeNet does not end in a stage"):
        FasterRCNN(BACKBONES.create("squeezenet1.1"), 3, layout="c4_voc")


def test_an_exported_one_gives_the_same(
    images: mx.nd.NDArray, exported_equals: Callable[..., None]
) -> None:
    exported_equals(ready(), images, 1e-3)


def test_published_names_are_there() -> None:
    names = list_models(task="faster_rcnn")
    assert len(names) == 15
    assert len([name for name in names if model_info(name).weights]) == 8
    assert {model_info(name).classes for name in names} == {20, 80}


@pytest.mark.parametrize(
    ("name", "examples"),
    [
        (
            "doublehead_rcnn_resnet50_v1b_voc",
            {
                "features.0.weight": "network.features.backbone.stem.weight",
                "features.6.5.bn3.beta": "network.features.backbone.stages.2.5.body.2.norm.beta",
                "top_features.0.0.downsample.0.weight": (
                    "network.regions.top.0.shortcut.conv.weight"
                ),
                "newbox_features.1.body.4.bias": "network.head.boxes.1.body.2.conv.bias",
                "rpn.anchor_generator.anchors": "network.proposer.anchors.0.anchors",
            },
        ),
        (
            "faster_rcnn_fpn_syncbn_resnet50_v1b_coco",
            {
                "features.resnetv1b_layers3_conv17_weight": (
                    "network.features.backbone.stages.2.5.body.2.conv.weight"
                ),
                "features.P5_lat_bn_moving_var": (
                    "network.features.pyramid.laterals.3.norm.running_var"
                ),
                "features.P3_conv1_bn_gamma": "network.features.pyramid.laterals.1.norm.gamma",
                "features.P6_conv1_weight": "network.features.pyramid.further.conv.weight",
                "box_features.1.gamma": "network.head.shared.0.0.norm.gamma",
                "box_features.3.bias": "network.head.shared.1.0.bias",
            },
        ),
    ],
)
def test_upstreams_keys_turn_into_ours_and_back(
    name: str, examples: dict[str, str], keys_turn_back: Callable[..., None]
) -> None:
    keys_turn_back(name, examples)


def test_the_published_rules_are_upstreams() -> None:
    assert LAYOUTS["c4_voc"].proposals == ProposalRule(0.7, 6000, 300, 16)
    assert LAYOUTS["c4_voc"].suppression.threshold == 0.3
    assert LAYOUTS["fpn"].proposals == ProposalRule(0.7, 6000, 1000, 1)


def test_how_detections_are_chosen_can_be_changed(images: mx.nd.NDArray) -> None:
    net = ready()
    net.hybridize()
    assert net(images)[0].shape == (2, 20, 1)
    net.set_nms(detections=5, score=0.3)
    ids, scores, _ = net(images)
    assert ids.shape == (2, 5, 1)
    assert (scores.asnumpy()[ids.asnumpy() >= 0] > 0.3).all()
    net.set_nms(threshold=None, detections=40, score=0.0)
    assert (net(images)[0].asnumpy() >= 0).sum() > (ready()(images)[0].asnumpy() >= 0).sum()


def test_a_layout_may_be_given_by_its_changes() -> None:
    net = small({"like": "fpn", "pyramid": 16, "levels": 2, "sides": (32, 64, 128)})
    assert net.layout == replace(LAYOUTS["fpn"], pyramid=16, levels=2, sides=(32, 64, 128))
