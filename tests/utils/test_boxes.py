"""Boxes as arrays: areas, overlaps, forms, and what is no box."""

from __future__ import annotations

import numpy as np
import pytest

from toolkit.utils.boxes import (
    BoxError,
    area,
    as_boxes,
    clean,
    clip,
    coverage,
    from_xywh,
    intersection,
    iou,
    to_center,
    to_corners,
    to_xywh,
)

BOXES = np.array([[0, 0, 10, 10], [5, 5, 15, 15], [20, 20, 30, 40]], np.float32)
NONE = np.array([[5, 5, 1, 9], [3, 3, 3, 9], [np.nan, 0, 5, 5]], np.float32)


def random_boxes(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 100, (count, 2))
    return np.concatenate([corners, corners + rng.uniform(1, 60, (count, 2))], 1)


def test_areas() -> None:
    assert area(BOXES).tolist() == [100, 100, 200]
    assert area(NONE).tolist() == [0, 0, 0]


def test_overlaps_of_known_boxes() -> None:
    assert intersection(BOXES, BOXES[:2]).tolist() == [[100, 25], [25, 100], [0, 0]]
    np.testing.assert_allclose(iou(BOXES, BOXES[1:2]), [[25 / 175], [1], [0]], rtol=1e-6)
    np.testing.assert_allclose(coverage(BOXES[:1], BOXES[1:]), [[0.25, 0]])


def test_overlaps_counted_pixel_by_pixel() -> None:
    rng = np.random.default_rng(1)
    corners = rng.integers(0, 12, (6, 2))
    boxes = np.concatenate([corners, corners + rng.integers(1, 9, (6, 2))], 1).astype(np.float32)
    y, x = np.mgrid[:24, :24] + 0.5
    inside = [(x > a) & (x < c) & (y > b) & (y < d) for a, b, c, d in boxes]
    expected = [[(p & q).sum() / (p | q).sum() for q in inside] for p in inside]
    np.testing.assert_allclose(iou(boxes, boxes), expected, rtol=1e-6)


def test_boxes_of_integers_overlap_as_others_do() -> None:
    boxes = BOXES.astype(np.int64)
    np.testing.assert_allclose(iou(boxes, boxes), iou(BOXES, BOXES), rtol=1e-6)
    np.testing.assert_allclose(coverage(boxes, boxes), coverage(BOXES, BOXES), rtol=1e-6)


def test_what_is_no_box_overlaps_nothing() -> None:
    assert not iou(NONE, BOXES).any()
    assert not iou(NONE, NONE).any()
    assert not coverage(NONE, BOXES).any()
    assert iou(BOXES, np.zeros((0, 4), np.float32)).shape == (3, 0)


@pytest.mark.parametrize(("there", "back"), [(to_center, to_corners), (to_xywh, from_xywh)])
def test_forms_turn_back(there: object, back: object) -> None:
    boxes = random_boxes(20)
    np.testing.assert_allclose(back(there(boxes)), boxes, rtol=1e-12)  # type: ignore[operator]


def test_forms_of_a_known_box() -> None:
    assert to_center(BOXES[2]).tolist() == [25, 30, 10, 20]
    assert to_xywh(BOXES[2]).tolist() == [20, 20, 10, 20]


def test_boxes_are_clipped_to_the_image() -> None:
    assert clip(np.array([[-5.0, 3, 200, 50]]), height=40, width=100).tolist() == [[0, 3, 100, 40]]


def test_clean_tells_what_is_worth_keeping() -> None:
    boxes = np.concatenate([BOXES, NONE, [[90, 5, 130, 9], [200, 5, 220, 9], [1, 1, 1.5, 9]]])
    clipped, keep = clean(boxes, height=100, width=100)
    assert keep.tolist() == [True] * 3 + [False] * 3 + [True, False, False]
    assert clipped[6].tolist() == [90, 5, 100, 9]
    assert clean(boxes, 100, 100, min_side=0.1)[1][8]
    infinite = np.array([[0, 0, np.inf, 5]])
    assert not clean(infinite, 10, 10)[1].any()


def test_as_boxes_takes_lists_and_refuses_the_rest() -> None:
    assert as_boxes([]).shape == (0, 4)
    assert as_boxes([[1, 2, 3, 4]]).dtype == np.float32
    assert as_boxes(np.array([[1, 2, 3, 4]])).dtype == np.float32
    assert as_boxes(np.zeros((2, 4))).dtype == np.float64
    with pytest.raises(BoxError, match=r"got the shape \(1, 5\)"):
        as_boxes([[1, 2, 3, 4, 5]])
    with pytest.raises(BoxError, match=r"got the shape \(4,\)"):
        as_boxes([1, 2, 3, 4])
    with pytest.raises(BoxError, match="numbers x0, y0, x1, y1"):
        as_boxes([["a", 2, 3, 4]])
