"""Losses of overlaps against their definitions in NumPy."""

from __future__ import annotations

from functools import partial

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd

from toolkit.loss import IoULoss
from toolkit.loss.iou import PENALTIES

Case = tuple[np.ndarray, np.ndarray, np.ndarray]


def one(box: np.ndarray, target: np.ndarray, kind: str) -> float:
    sides = [max(min(box[i + 2], target[i + 2]) - max(box[i], target[i]), 0) for i in (0, 1)]
    areas = [np.prod(np.maximum(b[2:] - b[:2], 0)) for b in (box, target)]
    common = sides[0] * sides[1]
    union = areas[0] + areas[1] - common
    around = np.maximum(box[2:], target[2:]) - np.minimum(box[:2], target[:2])
    penalty = 0.0
    if kind == "giou":
        penalty = 1 - union / around.prod()
    if kind == "diou":
        between = (box[:2] + box[2:] - target[:2] - target[2:]) / 2
        penalty = (between**2).sum() / (around**2).sum()
    return 1 - common / union + penalty


def reference(
    boxes: np.ndarray, targets: np.ndarray, weights: np.ndarray, *, kind: str = "giou"
) -> float:
    total = sum(
        weights[place] * one(boxes[place], targets[place], kind)
        for place in np.ndindex(*weights.shape)
    )
    return total / weights.sum()


@pytest.fixture
def case() -> Case:
    """Boxes that overlap, one within another, some apart."""
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 10, (2, 2, 4, 2))
    boxes, targets = np.concatenate([low, low + rng.uniform(2, 9, low.shape)], 3)
    boxes[0, 0], targets[0, 0] = (2, 3, 4, 5), (1, 1, 6, 7)
    boxes[1, 3], targets[1, 3] = (0, 0, 1, 2), (7, 8, 9, 9)
    return boxes, targets, rng.uniform(0, 1, (2, 4))


@pytest.mark.parametrize("kind", PENALTIES)
@pytest.mark.parametrize("hybridize", [False, True])
def test_equals_the_definition(case, kind, hybridize):
    loss = IoULoss(kind)
    if hybridize:
        loss.hybridize()
    found = loss(*map(mx.nd.array, case))
    assert found.shape == (1,)
    assert found.asscalar() == pytest.approx(reference(*case, kind=kind), rel=1e-5)


@pytest.mark.parametrize("kind", PENALTIES)
def test_gradient_equals_differences(case, kind, check_gradient):
    check_gradient(IoULoss(kind), partial(reference, kind=kind), case)


@pytest.mark.parametrize(("kind", "pulls"), [("iou", False), ("giou", True), ("diou", True)])
def test_boxes_apart_are_pulled_together_by_a_penalty_only(kind, pulls):
    boxes, target = mx.nd.array([[[0, 0, 1, 1]]]), mx.nd.array([[[5, 0, 6, 1]]])
    boxes.attach_grad()
    with autograd.record():
        loss = IoULoss(kind)(boxes, target, mx.nd.ones((1, 1)))
    loss.backward()
    slope = boxes.grad.asnumpy()[0, 0]
    assert (slope[0] + slope[2] < 0) == pulls


@pytest.mark.parametrize("kind", PENALTIES)
def test_equal_boxes_lose_nothing_and_inverted_ones_stay_finite(case, kind):
    boxes, _, weights = (mx.nd.array(part) for part in case)
    assert IoULoss(kind)(boxes, boxes, weights).asscalar() == pytest.approx(0, abs=1e-6)
    inverted = mx.nd.array(case[0][..., [2, 3, 0, 1]])
    inverted.attach_grad()
    with autograd.record():
        loss = IoULoss(kind)(inverted, inverted, weights)
    loss.backward()
    assert np.isfinite(loss.asscalar())
    assert np.isfinite(inverted.grad.asnumpy()).all()


def test_nothing_that_counts():
    boxes = mx.nd.array([[[0, 0, 1, 1]]])
    assert IoULoss()(boxes, boxes * 3, mx.nd.zeros((1, 1))).asscalar() == 0


def test_an_unknown_kind():
    with pytest.raises(ValueError, match="unknown loss of overlaps 'gious'; did you mean"):
        IoULoss("gious")
