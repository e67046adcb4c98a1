"""Suppression in NumPy, against the definition written out."""

from __future__ import annotations

import numpy as np
import pytest

from toolkit.utils.boxes import area, iou
from toolkit.utils.suppression import soften, suppress


def scene(count: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes that overlap much, their scores, and three classes."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 30, (count, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(10, 30, (count, 2))], 1)
    return boxes, rng.permutation(count) / count, rng.integers(0, 3, count)


def greedy(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> list[int]:
    left, kept = sorted(range(len(boxes)), key=lambda i: -scores[i]), []
    while left:
        best = left.pop(0)
        kept.append(best)
        left = [i for i in left if iou(boxes[best][None], boxes[i][None])[0, 0] <= threshold]
    return kept


@pytest.mark.parametrize("threshold", [0.3, 0.45, 0.7])
def test_one_class(threshold: float) -> None:
    boxes, scores, _ = scene()
    kept = suppress(boxes, scores, threshold=threshold)
    assert kept.tolist() == greedy(boxes, scores, threshold)
    assert 0 < len(kept) < len(boxes)


def test_classes_do_not_suppress_each_other() -> None:
    boxes, scores, ids = scene()
    kept = suppress(boxes, scores, ids)
    expected = [
        place
        for i in range(3)
        for place in np.flatnonzero(ids == i)[greedy(boxes[ids == i], scores[ids == i], 0.45)]
    ]
    assert sorted(kept) == sorted(expected)
    assert (np.diff(scores[kept]) < 0).all()


@pytest.mark.parametrize("classes", [None, 4])
def test_thousands_of_boxes_are_compared_block_by_block(classes: int | None) -> None:
    rng = np.random.default_rng(1)
    corners = rng.integers(0, 90, (1500, 2))
    boxes = np.concatenate([corners, corners + rng.integers(0, 20, (1500, 2))], 1).astype(float)
    scores = rng.permutation(1500)
    ids = np.zeros(1500, int) if classes is None else rng.integers(0, classes, 1500)
    overlaps = (iou(boxes, boxes) > 0.4) & (ids[:, None] == ids)
    expected: list[int] = []
    for place in np.argsort(-scores):
        if not overlaps[place, expected].any():
            expected.append(place)
    kept = suppress(boxes, scores, None if classes is None else ids, threshold=0.4)
    assert kept.tolist() == expected
    assert (area(boxes[kept]) == 0).any()  # what has no area repeats nothing


def test_boxes_that_are_none_neither_go_nor_suppress() -> None:
    boxes = np.array([[0, 0, np.nan, 9], [9, 9, 0, 0], [0, 0, 9, 9], [0, 0, 9, 8]], float)
    assert suppress(boxes, np.array([4.0, 3, 2, 1])).tolist() == [0, 1, 2]


def test_no_boxes() -> None:
    assert suppress(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int)).shape == (0,)
    assert suppress(np.zeros((0, 4)), np.zeros(0)).shape == (0,)
    assert soften(np.zeros((0, 4)), np.zeros(0)).shape == (0,)


def test_soft_scores_of_three_boxes() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 8], [50, 50, 60, 60]], float)
    overlap = 0.8
    scores = soften(boxes, np.array([0.9, 0.8, 0.7]), sigma=0.5)
    np.testing.assert_allclose(scores, [0.9, 0.8 * np.exp(-(overlap**2) / 0.5), 0.7])
    scores = soften(boxes, np.array([0.9, 0.8, 0.7]), threshold=0.5)
    np.testing.assert_allclose(scores, [0.9, 0.8 * (1 - overlap), 0.7])
    scores = soften(boxes, np.array([0.9, 0.8, 0.7]), threshold=0.9)
    np.testing.assert_allclose(scores, [0.9, 0.8, 0.7])


def test_a_softened_box_softens_others_less_early() -> None:
    """The order is that of the scores as they are by then, not as they came."""
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [0, 3, 10, 12]], float)
    scores = soften(boxes, np.array([0.9, 0.85, 0.6]), threshold=0.3)
    first = iou(boxes[:1], boxes[1:])[0]
    second, third = 0.85 * (1 - first[0]), 0.6 * (1 - first[1])
    assert third > second  # so that the third is taken next
    np.testing.assert_allclose(scores[2], third)
    np.testing.assert_allclose(scores[1], second * (1 - iou(boxes[1:2], boxes[2:])[0, 0]))
