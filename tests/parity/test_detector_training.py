"""What detectors learn from, and how they are scored, equals GluonCV's on the same arrays."""

from __future__ import annotations

import importlib
from types import ModuleType

import mxnet as mx
import numpy as np
import pytest

from toolkit.loss import MultiBoxLoss
from toolkit.nn import AnchorTargets
from toolkit.nn.anchors import anchor_shapes, grid_anchors
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
