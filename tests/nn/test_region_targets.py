"""What R-CNNs are to predict, drawn from boxes."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.nn import ProposalTargets, RegionTargets, mask_targets
from toolkit.nn.coder import decode_boxes
from toolkit.nn.region_targets import PLAIN
from toolkit.utils.boxes import iou, to_center, to_corners

SIZE = (64, 96)


def anchors(size: tuple[int, int]) -> np.ndarray:
    """Squares of 16 and 32 pixels around every eighth pixel."""
    rows, columns = np.indices((size[0] // 8, size[1] // 8)) * 8
    centers = np.stack([columns, rows], -1).reshape(-1, 1, 2) + 4.0
    half = np.array([8.0, 16.0]).reshape(1, 2, 1)
    return np.concatenate([centers - half, centers + half], -1).reshape(-1, 4).astype(np.float32)


def objects() -> tuple[np.ndarray, np.ndarray]:
    """Two images: three objects, and none."""
    boxes = np.full((2, 4, 4), -1, np.float32)
    ids = np.full((2, 4), -1, np.float32)
    # Filling first, as no batch has it, and a box without area.
    boxes[0, 1:] = [[5, 5, 21, 21], [30, 30, 30, 50], [60, 20, 94, 50]]
    ids[0, 1:] = [2, 1, 0]
    return boxes, ids


def proposals(seed: int = 0, sizes: tuple[int, int] = SIZE, **options: float) -> tuple:
    maker = ProposalTargets(anchors, **options)
    return maker(*objects(), np.array([sizes] * 2), SIZE, np.random.default_rng(seed))


def test_anchors_of_objects_and_of_background() -> None:
    classes, codes = proposals(count=400)
    boxes = objects()[0][0, [1, 3]]
    overlaps = iou(anchors(SIZE), boxes)
    inside = (anchors(SIZE)[:, :2] >= 0).all(1) & (anchors(SIZE)[:, 2:] < [96, 64]).all(1)
    best = overlaps[inside].max(0)
    assert ((best > 0.5) & (best < 1)).all()
    wanted = (overlaps > 0.7).any(1) | (overlaps >= best - 1e-6).any(1)
    np.testing.assert_array_equal(classes[0] == 1, wanted & inside)
    np.testing.assert_array_equal(classes[0] == 0, (overlaps < 0.3).all(1) & ~wanted & inside)
    assert (classes[:, ~inside] == -1).all()
    found = classes[0] == 1
    decoded = to_corners(decode_boxes(codes[0, found], to_center(anchors(SIZE)[found]), PLAIN))
    np.testing.assert_allclose(decoded, boxes[overlaps[found].argmax(1)], atol=1e-4)
    assert (codes[0, ~found] == 0).all()


def test_only_so_many_anchors_are_learned_from() -> None:
    classes, _ = proposals(count=12, positive=0.25, above=0.4)
    assert [(classes[0] == kind).sum() for kind in (1, 0)] == [3, 9]
    assert [(classes[1] == kind).sum() for kind in (1, 0)] == [0, 12]
    others = [proposals(seed, count=12, positive=0.25, above=0.4)[0] for seed in (0, 1)]
    np.testing.assert_array_equal(others[0], classes)
    assert (others[1] != classes).any()


def test_filling_of_an_image_is_no_background() -> None:
    classes, _ = proposals(sizes=(64, 70), count=400)
    assert (classes[:, (anchors(SIZE)[:, 2] >= 70)] == -1).all()
    assert (classes[1] == 0).any()


def regions(rois: np.ndarray, **options: float) -> tuple[np.ndarray, ...]:
    return RegionTargets(**options)(rois, *objects(), np.random.default_rng(0))


def grid() -> np.ndarray:
    """Proposals near the objects, far from them, and none."""
    low = np.array([[4, 6], [8, 8], [59, 22], [62, 19], [40, 40], [0, 44], [70, 0]], np.float32)
    sides = np.array([[16, 16]] * 2 + [[34, 30]] * 2 + [[15, 15]] * 3, np.float32)
    rois = np.concatenate([low, low + sides], 1)
    return np.stack([np.concatenate([rois, np.full((5, 4), -1, np.float32)])] * 2)


def test_regions_stand_for_what_they_overlap() -> None:
    rois, (boxes, ids) = grid(), objects()
    drawn, classes, codes, rows = regions(rois, count=20, positive=0.5)
    overlaps = iou(drawn[0], boxes[0])
    found = classes[0] > 0
    assert found.sum() == 5  # three proposals and the objects' own boxes
    assert (overlaps[found].max(1) >= 0.5).all()
    np.testing.assert_array_equal(rows[0, found], overlaps[found].argmax(1))
    np.testing.assert_array_equal(classes[0, found], ids[0, rows[0, found].astype(int)] + 1)
    decoded = to_corners(decode_boxes(codes[0, found], to_center(drawn[0, found])))
    np.testing.assert_allclose(decoded, boxes[0, rows[0, found].astype(int)], atol=1e-4)
    assert (classes[0, :5] > 0).all()  # first
    assert [(classes[0] == kind).sum() for kind in (0, -1)] == [4, 11]
    assert (drawn[0, classes[0] < 0] == 0).all()


def test_an_image_without_objects_has_background_only() -> None:
    _, classes, codes, rows = regions(grid(), count=5)
    assert (classes[1] == 0).sum() == 5
    assert not codes[1].any()
    assert not rows[1].any()


def test_only_so_many_regions_are_learned_from() -> None:
    targets = RegionTargets(4, 0.5)
    assert targets.most == 2
    _, classes, _, _ = regions(grid(), count=4, positive=0.5)
    assert [(classes[0] > 0).sum(), (classes[0] == 0).sum()] == [2, 2]


@pytest.mark.parametrize("options", [{"count": 0}, {"positive": 0.0}, {"positive": 1.1}])
def test_wrong_numbers_are_explained(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="a share of objects in"):
        RegionTargets(**options)


def test_masks_are_cut_at_regions() -> None:
    masks = np.zeros((2, 3, 40, 60), np.uint8)
    masks[0, 1, 10:30, 20:50] = 1
    masks[1, 2, :, 30:] = 1
    rois = mx.nd.array([[[20, 10, 49, 29], [0, 10, 40, 29]], [[0, 0, 59, 39], [1, 1, 9, 9]]])
    rows = mx.nd.array([[1, 1], [2, 0]])
    cut = mask_targets(mx.nd.array(masks, dtype="uint8"), rois, rows, 4).asnumpy()
    assert cut.shape == (2, 2, 4, 4)
    np.testing.assert_allclose(cut[0, 0], 1)
    np.testing.assert_allclose(cut[0, 1, :, [0, 1, 3]].T, [[0, 0, 1]] * 4)
    np.testing.assert_allclose(cut[1, 0][:, [0, 1, 2, 3]], [[0, 0, 1, 1]] * 4, atol=0.1)
    assert not cut[1, 1].any()
