"""YOLOv3's loss against its definition in NumPy."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd

from toolkit.loss import YOLO3Loss
from toolkit.nn.targets import BatchTargets, CellTargets
from toolkit.utils.boxes import iou, to_corners

CLASSES = 3
Arrays = tuple[np.ndarray, ...]


def make_priors() -> np.ndarray:
    """Two grids on an image of 32 pixels, two anchors in each cell."""
    rows = []
    for side, shapes in ((16, ((20, 24), (28, 16))), (8, ((6, 9), (10, 5)))):
        for y in range(0, 32, side):
            for x in range(0, 32, side):
                rows += [(x, y, side, *shape) for shape in shapes]
    return np.array(rows, np.float32)


@pytest.fixture(scope="module")
def case() -> Arrays:
    """Predictions, priors, boxes and targets of three images, one without objects."""
    rng = np.random.default_rng(0)
    priors = make_priors()
    low = rng.uniform(0, 18, (3, 4, 2))
    boxes = np.concatenate([low, low + rng.uniform(4, 14, (3, 4, 2))], 2).astype(np.float32)
    ids = rng.integers(0, CLASSES, (3, 4)).astype(np.float32)
    boxes[1, 2:], ids[1, 2:], boxes[2], ids[2] = -1, -1, -1, -1
    weights = rng.uniform(0.2, 1, (3, 4)).astype(np.float32)
    targets = BatchTargets({(32, 32): CellTargets(priors)}, weighted=True)
    made = targets(boxes, ids, weights, (32, 32))
    scores = rng.normal(0, 2, (3, len(priors), 1 + CLASSES)).astype(np.float32)
    codes = rng.normal(0, 0.5, (3, len(priors), 4)).astype(np.float32)
    # Some predict an object of the first image just as it is, though it is another's.
    codes[0] = np.where(made[0][0][:, None] > 0, 0, codes[0])
    return scores, codes, priors[None], boxes, *made


def entropy(score: np.ndarray, target: np.ndarray) -> np.ndarray:
    prob = 1 / (1 + np.exp(-score.astype(np.float64)))
    return -(target * np.log(prob) + (1 - target) * np.log(1 - prob))


def decode(codes: np.ndarray, priors: np.ndarray) -> np.ndarray:
    center = priors[:, :2] + priors[:, 2:3] / (1 + np.exp(-codes[:, :2]))
    return to_corners(np.concatenate([center, priors[:, 3:] * np.exp(codes[:, 2:])], 1))


def reference(case: Arrays, threshold: float, smoothing: float) -> np.ndarray:
    scores, codes, priors, boxes, classes, targets, weights, scales = case
    losses = np.zeros((4, len(scores)))
    for n in range(len(scores)):
        found = classes[n] > 0
        best = iou(decode(codes[n], priors[0]), boxes[n]).max(1)
        counted = np.where(found, weights[n], best <= threshold)
        losses[0, n] = (counted * entropy(scores[n, :, 0], found)).sum()
        box = weights[n] * scales[n]
        losses[1, n] = (box[:, None] * entropy(codes[n, :, :2], targets[n, :, :2])).sum()
        losses[2, n] = (box[:, None] * np.abs(codes[n, :, 2:] - targets[n, :, 2:])).sum()
        own = np.eye(CLASSES + 1)[classes[n].astype(int)][:, 1:] * (1 - 2 * smoothing) + smoothing
        losses[3, n] = (weights[n][:, None] * entropy(scores[n, :, 1:], own)).sum()
    return losses


@pytest.mark.parametrize("hybrid", [False, True])
@pytest.mark.parametrize(("threshold", "smoothing"), [(0.7, 0.0), (0.3, 0.1)])
def test_equals_the_definition(case, threshold, smoothing, hybrid):
    loss = YOLO3Loss(threshold, smoothing=smoothing)
    if hybrid:
        loss.hybridize()
    losses = np.stack([part.asnumpy() for part in loss(*map(mx.nd.array, case))])
    expected = reference(case, threshold, smoothing)
    np.testing.assert_allclose(losses, expected, rtol=2e-5, atol=1e-5)
    assert (expected[1:, 2] == 0).all()  # nothing to place where there is no object
    assert (expected[:, :2] > 0).all()


def test_overlapping_predictions_are_left_alone(case):
    losses = [YOLO3Loss(t)(*map(mx.nd.array, case))[0].asnumpy() for t in (0.2, 1.0)]
    assert losses[0][0] < losses[1][0]


def test_gradient_equals_differences(case):
    arrays = [mx.nd.array(part) for part in case]
    loss = YOLO3Loss(0.5)
    for place, entry in ((0, (0, 3, 0)), (0, (1, 5, 2)), (1, (0, 4, 1))):
        arrays[place].attach_grad()
        with autograd.record():
            total = mx.nd.add_n(*loss(*arrays)).sum()
        total.backward()
        values = []
        for step in (-0.01, 0.01):
            moved = case[place].copy()
            moved[entry] += step
            changed = [mx.nd.array(moved) if i == place else a for i, a in enumerate(arrays)]
            values.append(mx.nd.add_n(*loss(*changed)).sum().asscalar())
        numeric = (values[1] - values[0]) / 0.02
        got = arrays[place].grad.asnumpy()[entry]
        np.testing.assert_allclose(got, numeric, rtol=0.05, atol=0.03)


def test_large_numbers_stay_finite(case):
    arrays = [mx.nd.array(part) for part in case]
    arrays[0], arrays[1] = arrays[0] * 1e4, arrays[1] * 100
    assert all(np.isfinite(part.asnumpy()).all() for part in YOLO3Loss()(*arrays))


@pytest.mark.parametrize("options", [{"threshold": 0}, {"threshold": 1.1}, {"smoothing": 0.5}])
def test_errors(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        YOLO3Loss(**options)
