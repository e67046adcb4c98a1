"""The choice of detections, against NumPy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.nn.nms import ClassNMS, Suppression
from toolkit.utils.suppression import suppress

CLASSES, BOXES = 3, 40


def scene(images: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and boxes that overlap much."""
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 40, (images, BOXES, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(10, 30, (images, BOXES, 2))], 2)
    count = images * BOXES * CLASSES
    probs = rng.permutation(count).reshape(images, BOXES, CLASSES) / count
    return probs.astype(np.float32), boxes.astype(np.float32)


def expected(probs: np.ndarray, boxes: np.ndarray, rule: Suppression) -> np.ndarray:
    """Rows of class, score and corners of one image, by the definition."""
    order = np.argsort(-probs.ravel(), kind="stable")[: rule.candidates]
    order = order[probs.ravel()[order] > rule.score]
    rows, ids = np.divmod(order, CLASSES)
    scores = probs[rows, ids]
    kept = np.arange(len(order))
    if rule.threshold is not None:
        kept = suppress(boxes[rows], scores, ids, threshold=rule.threshold)
    found = np.column_stack([ids[kept], scores[kept], boxes[rows[kept]]])
    result = np.full((min(rule.detections, rule.candidates), 6), -1.0)
    result[: len(found)] = found[: len(result)]
    return result


@pytest.mark.parametrize("hybrid", [False, True])
@pytest.mark.parametrize(
    "rule",
    [
        Suppression(),
        Suppression(threshold=0.2, candidates=30, detections=10, score=0.5),
        Suppression(threshold=None, candidates=50, detections=20, score=0.9),
        Suppression(candidates=1000, detections=500),  # more than there are
    ],
)
def test_it_equals_the_definition(rule: Suppression, hybrid: bool) -> None:
    probs, boxes = scene()
    net = ClassNMS(CLASSES, rule)
    net.hybridize(hybrid)
    found = np.concatenate([a.asnumpy() for a in net(mx.nd.array(probs), mx.nd.array(boxes))], 2)
    for image in range(len(probs)):
        wanted = expected(probs[image], boxes[image], rule)
        np.testing.assert_allclose(found[image], wanted, rtol=1e-5, atol=1e-5)
    assert (found[..., 0] >= 0).any()


def test_a_candidate_in_the_last_of_many_rows_keeps_its_class() -> None:
    """Places are float32 in MXNet: the division by the number of classes must not round."""
    rows, classes = 24564, 80
    probs = mx.nd.zeros((1, rows, classes))
    probs[0, rows - 1, classes - 1] = 0.5
    probs[0, rows - 2, 0] = 0.4
    boxes = mx.nd.array(np.arange(rows * 4).reshape(1, rows, 4))
    ids, scores, _ = (a.asnumpy() for a in ClassNMS(classes, Suppression())(probs, boxes))
    assert ids[0, :3, 0].tolist() == [classes - 1, 0, -1]
    np.testing.assert_allclose(scores[0, :2, 0], [0.5, 0.4])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"threshold": 0}, r"threshold must be in \(0, 1\] or None, got 0"),
        ({"candidates": 0}, "candidates must be a whole number of at least 1, got 0"),
        ({"detections": 1.5}, "detections must be a whole number of at least 1, got 1.5"),
        ({"score": 1}, r"score must be in \[0, 1\), got 1"),
    ],
)
def test_fields_out_of_range_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Suppression(**fields)
    with pytest.raises(ValueError, match=message):
        replace(Suppression(), **fields)


def test_classes_may_have_boxes_of_their_own() -> None:
    probs, boxes = scene()
    shifts = np.arange(CLASSES, dtype=np.float32)[None, None, :, None] * 7
    rule = Suppression(threshold=0.4, candidates=60, detections=25)
    net = ClassNMS(CLASSES, rule, per_class=True)
    own = boxes[:, :, None] + shifts
    ids, scores, corners = (a.asnumpy() for a in net(mx.nd.array(probs), mx.nd.array(own)))
    for image in range(2):
        # Class by class: the others' boxes play no part.
        found = [
            expected(
                np.where(np.arange(CLASSES) == i, probs[image], 0),
                own[image, :, i],
                replace(rule, candidates=120, detections=120),
            )
            for i in range(CLASSES)
        ]
        lowest = np.sort(probs[image].ravel())[-rule.candidates]
        rows = np.concatenate(found)
        rows = rows[rows[:, 1] >= lowest]
        rows = rows[np.argsort(-rows[:, 1])][: rule.detections]
        result = np.concatenate([ids[image], scores[image], corners[image]], 1)
        np.testing.assert_allclose(result[: len(rows)], rows, rtol=1e-5, atol=1e-4)
        assert (result[len(rows) :] == -1).all()
