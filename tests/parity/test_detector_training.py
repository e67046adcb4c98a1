"""What detectors learn from, and how they are scored, equals GluonCV's on the same arrays."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd

from toolkit.loss import MultiBoxLoss, RegionLoss, RegionProposalLoss, YOLO3Loss
from toolkit.model_zoo import get_model
from toolkit.model_zoo.tasks.yolo3 import ANCHORS
from toolkit.nn import (
    AnchorTargets,
    BatchTargets,
    CellTargets,
    LevelAnchors,
    ProposalTargets,
    mask_targets,
)
from toolkit.nn.anchors import anchor_shapes, grid_anchors, region_anchors
from toolkit.utils.boxes import iou
from toolkit.utils.metrics import VOCMeanAP


@pytest.mark.parity
@pytest.mark.parametrize("objects", [0, 25])
def test_multibox(gluoncv: ModuleType, objects: int) -> None:
    rng = np.random.default_rng(0)
    scores, codes, targets = (mx.nd.array(rng.normal(size=(4, 500, size))) for size in (21, 4, 4))
    classes = np.zeros((4, 500))
    classes[:3, :objects] = rng.integers(1, 21, (3, objects))
    classes = mx.nd.array(classes)
    total, _, _ = gluoncv.loss.SSDMultiBoxLoss()(scores, codes, classes, targets)
    value = MultiBoxLoss()(scores, codes, classes, targets).asscalar()
    assert (value > 0) == (objects > 0)
    np.testing.assert_allclose(value, total[0].sum().asscalar(), rtol=1e-5)


@pytest.mark.parity
@pytest.mark.parametrize("count", [1, 12])
def test_anchor_targets(gluoncv: ModuleType, count: int) -> None:
    generator = importlib.import_module("gluoncv.model_zoo.ssd.target").SSDTargetGenerator
    rng = np.random.default_rng(count)
    shapes = anchor_shapes(20, 40, (1, 2, 0.5))
    anchors = grid_anchors(shapes, 8, (12, 12)).reshape(-1, 4)
    low = rng.uniform(0, 60, (count, 2))
    boxes = np.concatenate([low, low + rng.uniform(8, 36, (count, 2))], 1).astype(np.float32)
    ids = rng.integers(0, 5, count)
    theirs = generator(negative_mining_ratio=-1)(
        mx.nd.array(anchors[None]),
        mx.nd.zeros((1, len(anchors), 6)),
        mx.nd.array(boxes[None]),
        mx.nd.array(ids[None, :, None]),
    )
    classes, codes = AnchorTargets(anchors)(boxes, ids)
    assert count <= (classes > 0).sum() < len(classes)
    np.testing.assert_array_equal(classes, theirs[0][0].asnumpy())
    np.testing.assert_allclose(codes, theirs[1][0].asnumpy(), atol=1e-4)


@pytest.mark.parity
@pytest.mark.parametrize("mixed", [False, True])
def test_yolo3(gluoncv: ModuleType, mixed: bool) -> None:
    """Targets and losses, of the same predictions and objects."""
    ours = get_model("yolo3_mobilenet0.25_custom", classes=3)
    ours.initialize()
    with autograd.predict_mode():
        priors = ours.network(mx.nd.zeros((1, 3, 96, 96)))[2]
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 60, (2, 3, 2))
    boxes = np.concatenate([low, low + rng.uniform(8, 36, (2, 3, 2))], 2).astype(np.float32)
    ids = rng.integers(0, 3, (2, 3)).astype(np.float32)
    boxes[1, 2], ids[1, 2] = -1, -1
    weights = rng.uniform(0.2, 1, (2, 3)).astype(np.float32) if mixed else np.ones((2, 3))
    targets = BatchTargets({(96, 96): CellTargets(priors[0].asnumpy())}, weighted=True)
    made = targets(boxes, ids, weights, (96, 96))
    scores, codes = (mx.nd.array(rng.normal(0, 1, (2, priors.shape[1], size))) for size in (4, 4))
    losses = YOLO3Loss()(scores, codes, priors, mx.nd.array(boxes), *map(mx.nd.array, made))
    expected = upstream_yolo3(gluoncv, (scores, codes, priors), boxes, ids, weights)
    for value, theirs in zip(losses, expected, strict=True):
        np.testing.assert_allclose(value.asnumpy(), theirs.asnumpy(), rtol=1e-5)
    assert (made[0] > 0).sum() == 5


def upstream_yolo3(
    gluoncv: ModuleType, predicted: Any, boxes: np.ndarray, ids: np.ndarray, weights: np.ndarray
) -> Any:
    """GluonCV's four losses, through its two makers of targets and what merges them."""
    module = importlib.import_module("gluoncv.model_zoo.yolo.yolo_target")
    scores, codes, priors = predicted
    image = mx.nd.zeros((2, 3, 96, 96))
    maps = [mx.nd.zeros((1, 1, side, side)) for side in (3, 6, 12)]
    anchors = [mx.nd.array(np.array(shapes).reshape(1, 1, 3, 2)) for shapes in ANCHORS[::-1]]
    offsets = []
    for side in (3, 6, 12):
        rows, columns = np.indices((side, side))
        offsets.append(mx.nd.array(np.stack([columns, rows], -1).reshape(1, -1, 1, 2)))
    fixed = module.YOLOV3PrefetchTargetGenerator(3)(
        image, maps, anchors, offsets, mx.nd.array(boxes), mx.nd.array(ids[..., None]),
        mx.nd.array(weights[..., None]),
    )  # fmt: skip
    score, centers, sizes = scores[:, :, :1], codes[:, :, :2], codes[:, :, 2:]
    middle = mx.nd.broadcast_add(
        mx.nd.broadcast_mul(mx.nd.sigmoid(centers), priors[:, :, 2:3]), priors[:, :, :2]
    )
    half = mx.nd.broadcast_mul(mx.nd.exp(sizes), priors[:, :, 3:]) / 2
    found = mx.nd.concat(middle - half, middle + half, dim=2)
    with autograd.train_mode():
        merged = module.YOLOV3TargetMerger(3, 0.7)(found, mx.nd.array(boxes), *fixed)
    return gluoncv.loss.YOLOV3Loss()(score, centers, sizes, scores[:, :, 1:], *merged)


@pytest.mark.parity
@pytest.mark.parametrize(
    ("form", "theirs"), [("11 points", "VOC07MApMetric"), ("area", "VOCMApMetric")]
)
def test_voc_map(gluoncv: ModuleType, form: str, theirs: str) -> None:
    module = importlib.import_module("gluoncv.utils.metrics.voc_detection")
    rng = np.random.default_rng(0)
    low = rng.integers(0, 60, (20, 7, 2))
    boxes = np.concatenate([low, low + rng.integers(5, 40, (20, 7, 2))], 2).astype(np.float32)
    ids, difficult = rng.integers(-1, 3, (20, 7)), (rng.random((20, 7)) < 0.2).astype(int)
    detected = np.concatenate([boxes, boxes[:, ::-1]], 1) + rng.integers(-3, 4, (20, 14, 4))
    found = np.concatenate([ids, rng.integers(-1, 3, (20, 7))], 1)
    scores = rng.permutation(280).reshape(20, 14) / 280
    names = ["a", "b", "c"]
    metric = getattr(module, theirs)(iou_thresh=0.5, class_names=names)
    metric.update(*([mx.nd.array(x)] for x in (detected, found, scores, boxes, ids, difficult)))
    expected = dict(zip(*metric.get(), strict=True))
    ours = VOCMeanAP(names, form, inclusive=True)  # upstream's boxes include their last pixels
    ours.update((boxes, ids, difficult), (found, scores, detected))
    values = {**ours.per_class(), "mAP": ours.get()["voc_map"]}
    assert values == pytest.approx(expected, abs=1e-6)


@pytest.mark.parity
@pytest.mark.parametrize("count", [1, 9])
def test_proposal_targets(gluoncv: ModuleType, count: int) -> None:
    """All anchors that may be learned from: which of them are is drawn by chance.

    Of objects that no anchor overlaps by 0.3, upstream calls the best anchors background.
    """
    module = importlib.import_module("gluoncv.model_zoo.rcnn.rpn.rpn_target")
    rng = np.random.default_rng(count)
    grids = [region_anchors(8, (16.0,), (0.5, 1.0, 2.0), (16, 24))]
    anchors = LevelAnchors(grids, {128: (16,), 192: (24,)})
    low = rng.uniform(0, [150, 90], (count, 2))
    boxes = np.concatenate([low, low + rng.uniform(12, 36, (count, 2))], 1).astype(np.float32)
    known = anchors((128, 192))
    inside = (known[:, :2] >= 0).all(1) & (known[:, 2:] < [190, 120]).all(1)
    boxes = boxes[iou(known[inside], boxes).max(0) >= 0.3]
    made = ProposalTargets(anchors, 100_000)(
        boxes[None], np.zeros((1, len(boxes))), np.array([[120, 190]]), (128, 192), rng
    )
    generator = module.RPNTargetGenerator(num_sample=100_000)
    theirs = generator(mx.nd.array(boxes), mx.nd.array(known), 190, 120)
    assert count // 2 < len(boxes) <= (made[0] == 1).sum()
    np.testing.assert_array_equal(made[0][0], theirs[0].reshape(-1))
    np.testing.assert_allclose(made[1][0], theirs[1], atol=1e-5)


@pytest.mark.parity
def test_masks_of_regions(gluoncv: ModuleType) -> None:
    module = importlib.import_module("gluoncv.model_zoo.rcnn.mask_rcnn.rcnn_target")
    rng = np.random.default_rng(0)
    masks = (rng.random((2, 3, 40, 60)) < 0.5).astype(np.uint8)
    low = rng.uniform(0, 20, (2, 5, 2))
    regions = mx.nd.array(np.concatenate([low, low + rng.uniform(3, 19, (2, 5, 2))], 2))
    rows = mx.nd.array(rng.integers(0, 3, (2, 5)))
    generator = module.MaskTargetGenerator(2, 5, 4, (7, 7))
    theirs = generator(regions, mx.nd.array(masks), rows, mx.nd.ones((2, 5)))
    made = mask_targets(mx.nd.array(masks, dtype="uint8"), regions, rows, 7)
    np.testing.assert_allclose(made.asnumpy(), theirs[0].asnumpy()[:, :, 0], atol=1e-6)


@pytest.mark.parity
def test_losses_of_regions(gluoncv: ModuleType) -> None:
    """The sums that upstream's script makes of Gluon's losses."""
    gluon = mx.gluon
    rng = np.random.default_rng(0)
    scores, codes, targets = (mx.nd.array(rng.normal(size=(2, 30, *s))) for s in ((), (4,), (4,)))
    classes = mx.nd.array(rng.integers(-1, 2, (2, 30)))
    counted, found = classes >= 0, (classes > 0).expand_dims(2)
    total = counted.sum()
    entropy = gluon.loss.SigmoidBinaryCrossEntropyLoss(from_sigmoid=False)
    smooth = gluon.loss.HuberLoss(rho=1 / 9)
    theirs = (
        (entropy(scores, classes, counted) * 30).sum() / total,
        (smooth(codes, targets, mx.nd.broadcast_like(found, codes)) * 120).sum() / total,
    )
    for ours, expected in zip(
        RegionProposalLoss()(scores, codes, classes, targets), theirs, strict=True
    ):
        assert ours.asscalar() == pytest.approx(expected.asscalar(), rel=1e-5)
    kinds = mx.nd.array(rng.integers(0, 4, (2, 30)))
    scores = mx.nd.array(rng.normal(size=(2, 30, 4)))
    sets = mx.nd.array(rng.normal(size=(2, 30, 3, 4)))
    own = mx.nd.broadcast_like(mx.nd.one_hot(kinds - 1, 3).expand_dims(3), sets)
    wanted = mx.nd.broadcast_like(targets.expand_dims(2), sets)
    theirs = (
        gluon.loss.SoftmaxCELoss()(scores, kinds).sum() / 2,
        (gluon.loss.HuberLoss()(sets, wanted, own) * 360).sum() / 60,
    )
    ours = RegionLoss()(scores, sets, kinds, targets)
    assert ours[0].asscalar() == pytest.approx(theirs[0].asscalar(), rel=1e-5)
    assert ours[1].asscalar() == pytest.approx(theirs[1].asscalar(), rel=1e-5)
