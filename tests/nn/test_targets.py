"""Targets against their definition in loops."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from toolkit.nn.anchors import anchor_shapes, grid_anchors
from toolkit.nn.coder import decode_boxes
from toolkit.nn.targets import AnchorTargets, BatchTargets, CellTargets
from toolkit.utils.boxes import BoxError, to_corners


@pytest.fixture(scope="module")
def anchors() -> np.ndarray:
    shapes = anchor_shapes(12, 24, (1, 2, 0.5))
    grid = grid_anchors(shapes, 8, (8, 8)).reshape(-1, 4)
    # Of many sizes, so that no two overlap an object as much: rounding would decide.
    grid[:, 2:] *= np.random.default_rng(9).uniform(0.9, 1.1, (len(grid), 2))
    return np.concatenate([grid, [[32, 32, 50, 50]]]).astype(np.float32)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    width, height = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b))
    return float(width * height / (areas - width * height))


def matching(anchors: np.ndarray, boxes: np.ndarray, threshold: float) -> list[int]:
    """The object of each anchor, -1 for none."""
    table = [[overlap(a, b) for b in boxes] for a in to_corners(anchors.astype(np.float64))]
    result = [-1] * len(anchors)
    pairs = sorted(
        ((value, a, b) for a, row in enumerate(table) for b, value in enumerate(row)),
        key=lambda pair: -pair[0],
    )
    taken: set[int] = set()
    for value, a, b in pairs:
        if value > 0 and result[a] < 0 and b not in taken:
            result[a] = b
            taken.add(b)
    for a, row in enumerate(table):
        best = int(np.argmax(row))
        if result[a] < 0 and row[best] >= threshold:
            result[a] = best
    return result


@pytest.mark.parametrize("threshold", [0.35, 0.5])
@pytest.mark.parametrize("seed", range(4))
def test_equals_the_definition(anchors: np.ndarray, seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 45, (7, 2))
    boxes = np.concatenate([low, low + rng.uniform(4, 30, (7, 2))], 1).astype(np.float32)
    ids = rng.integers(0, 5, 7)
    classes, codes = AnchorTargets(anchors, threshold)(boxes, ids)
    expected = np.array(matching(anchors, boxes, threshold))
    found = expected >= 0
    assert 7 <= found.sum() < len(anchors)
    assert set(expected[found]) == set(range(7))  # none is without an anchor
    np.testing.assert_array_equal(classes, np.where(found, ids[expected] + 1, 0))
    # What the codes say, seen from the anchors, are the objects.
    decoded = to_corners(decode_boxes(codes[found], anchors[found]))
    np.testing.assert_allclose(decoded, boxes[expected[found]], atol=1e-3)
    assert not codes[~found].any()
    assert classes.dtype == codes.dtype == np.float32


def test_a_code_known_by_hand() -> None:
    targets = AnchorTargets(np.array([[10, 10, 10, 10], [90, 90, 10, 10]]))
    classes, codes = targets(np.array([[6.0, 5, 16, 25]]), np.array([3]))
    assert classes.tolist() == [4, 0]
    np.testing.assert_allclose(codes[0], [0.1 / 0.1, 0.5 / 0.1, 0, np.log(2) / 0.2], rtol=1e-6)


def test_anchors_that_overlap_as_much_take_the_object_alike() -> None:
    targets = AnchorTargets(np.array([[4, 4, 8, 8], [12, 4, 8, 8], [40, 40, 8, 8]]))
    classes, _ = targets(np.array([[7.0, 3, 9, 5]]), np.array([0]))
    assert classes.tolist() == [1, 1, 0]


def test_nothing_to_find(anchors: np.ndarray) -> None:
    targets = pickle.loads(pickle.dumps(AnchorTargets(anchors)))
    bad = np.array([[20, 20, 10, 10], [np.nan, 0, 9, 9], [5, 5, 5, 9], [900, 900, 910, 910]])
    for boxes, ids in ((np.zeros((0, 4)), []), (bad, [0, 1, 2, 3]), ([[1, 1, 9, 9]], [-1])):
        classes, codes = targets(np.asarray(boxes, np.float32), np.array(ids, int))
        assert classes.shape == (len(anchors),)
        assert not classes.any()
        assert not codes.any()


def test_errors(anchors: np.ndarray) -> None:
    with pytest.raises(BoxError, match="2 boxes have 1 class indices"):
        AnchorTargets(anchors)(np.ones((2, 4)), np.zeros(1))
    with pytest.raises(BoxError, match=r"got the shape \(2, 5\)"):
        AnchorTargets(anchors)(np.ones((2, 5)), np.zeros(2))
    with pytest.raises(BoxError, match="1 anchors have no area"):
        AnchorTargets(np.array([[1, 1, 2, 2], [1, 1, 0, 2]]))


PRIORS = np.array(
    [
        [x, y, side, *shape]
        for side, shapes in ((32, ((40, 30), (20, 50))), (16, ((12, 12), (20, 9))))
        for y in range(0, 64, side)
        for x in range(0, 64, side)
        for shape in shapes
    ],
    np.float32,
)


def taken_by(box: np.ndarray) -> int:
    """The prior of a box: its cell holds the centre, and its shape is most alike."""
    center, size = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    best, place = -1.0, -1
    for i, (left, top, side, width, height) in enumerate(PRIORS):
        if left <= center[0] < left + side and top <= center[1] < top + side:
            common = min(width, size[0]) * min(height, size[1])
            alike = common / (width * height + size.prod() - common)
            if alike > best:
                best, place = alike, i
    return place


def test_cells_equal_the_definition() -> None:
    rng = np.random.default_rng(4)
    low = rng.uniform(0, 40, (6, 2))
    boxes = np.concatenate([low, low + rng.uniform(5, 24, (6, 2))], 1).astype(np.float32)
    ids, weights = rng.integers(0, 4, 6), rng.uniform(0.1, 1, 6)
    classes, codes, counted, scales = CellTargets(PRIORS)(boxes, ids, weights)
    places = [taken_by(box) for box in boxes]
    assert len(set(places)) == 6
    assert (classes > 0).sum() == 6
    np.testing.assert_array_equal(classes[places], ids + 1)
    np.testing.assert_allclose(counted[places], weights, rtol=1e-6)
    sizes = boxes[:, 2:] - boxes[:, :2]
    np.testing.assert_allclose(scales[places], 2 - sizes.prod(1) / 64**2, rtol=1e-6)
    prior = PRIORS[places]
    centers = prior[:, :2] + codes[places, :2] * prior[:, 2:3]
    np.testing.assert_allclose(centers, (boxes[:, :2] + boxes[:, 2:]) / 2, atol=1e-4)
    np.testing.assert_allclose(prior[:, 3:] * np.exp(codes[places, 2:]), sizes, rtol=1e-5)
    free = np.delete(np.arange(len(PRIORS)), places)
    assert not any(part[free].any() for part in (classes, codes, counted, scales))


def test_of_two_objects_the_later_takes_the_prior() -> None:
    boxes = np.array([[10.0, 10, 22, 22], [11, 11, 23, 23]])
    classes, _, counted, _ = CellTargets(PRIORS)(boxes, np.array([0, 2]), np.array([1, 0.5]))
    assert classes[classes > 0].tolist() == [3]
    assert counted[classes > 0].tolist() == [0.5]


def test_cells_without_objects() -> None:
    make = pickle.loads(pickle.dumps(CellTargets(PRIORS)))
    bad = np.array([[20, 20, 10, 10], [np.nan, 0, 9, 9], [5, 5, 5, 9], [60, 60, 90, 90]])
    for boxes, ids in ((np.zeros((0, 4)), []), (bad, [0, 1, 2, 3]), ([[1, 1, 9, 9]], [-1])):
        parts = make(np.asarray(boxes, np.float32), np.array(ids, int))
        assert [part.shape for part in parts] == [(40,), (40, 4), (40,), (40,)]
        assert not any(part.any() for part in parts)


def test_errors_of_priors() -> None:
    with pytest.raises(BoxError, match=r"priors are \(A, 5\)"):
        CellTargets(np.ones((3, 4)))
    with pytest.raises(BoxError, match="1 priors have no area"):
        CellTargets(np.array([[0, 0, 8, 9, 9], [0, 0, 8, 9, 0.0]]))
    with pytest.raises(BoxError, match="1 boxes have 1 class indices, 2 weights"):
        CellTargets(PRIORS)(np.ones((1, 4)), np.zeros(1), np.ones(2))


def test_batches(anchors: np.ndarray) -> None:
    boxes = np.array([[[10.0, 10, 22, 22]], [[-1, -1, -1, -1]]])
    ids, weights = np.array([[1.0], [-1]]), np.array([[0.5], [0]])
    plain = BatchTargets({(64, 64): AnchorTargets(anchors)})
    classes, codes = plain(boxes, ids, weights, (64, 64))
    np.testing.assert_array_equal(classes[0], AnchorTargets(anchors)(boxes[0], ids[0])[0])
    assert codes.shape == (2, len(anchors), 4)
    assert not classes[1].any()
    weighted = BatchTargets({(64, 64): CellTargets(PRIORS)}, weighted=True)
    assert weighted(boxes, ids, weights, (64, 64))[2].max() == 0.5
    with pytest.raises(ValueError, match=r"images of \(32, 32\), but for \(64, 64\)"):
        plain(boxes, ids, weights, (32, 32))
