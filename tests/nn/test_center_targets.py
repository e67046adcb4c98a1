"""Maps of centres against their definition."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from toolkit.nn.center_targets import CenterTargets, draw_gaussian, gaussian_radius
from toolkit.utils.boxes import BoxError, iou

BOXES = np.array([[8, 8, 40, 32], [50, 30, 60, 62], [10, 12, 14, 15]], np.float32)
IDS = np.array([1, 0, 1])


def least_overlap(width: float, height: float, radius: float) -> float:
    """Of boxes whose corners are off by the radius: moved, smaller and larger ones."""
    true = np.array([[0, 0, width, height]])
    shifts = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [-1, -1, 1, 1]])
    return float(iou(true, true + radius * shifts).min())


@pytest.mark.parametrize("size", [(10, 10), (4, 30), (50, 7)])
@pytest.mark.parametrize("overlap", [0.3, 0.7])
def test_corners_off_by_the_radius_still_overlap_just_enough(size, overlap):
    radius = gaussian_radius(*size, overlap)
    assert least_overlap(*size, radius) == pytest.approx(overlap)
    assert least_overlap(*size, radius * 1.01) < overlap


def test_a_bell_is_cut_off_at_its_radius_and_at_the_border():
    heat = np.zeros((7, 9))
    draw_gaussian(heat, 1, 3, 2)
    rows, columns = np.mgrid[:7, :9]
    far = np.maximum(abs(rows - 3), abs(columns - 1))
    bell = np.exp(-((rows - 3) ** 2 + (columns - 1) ** 2) / (2 * (5 / 6) ** 2))
    np.testing.assert_allclose(heat, np.where(far <= 2, bell, 0))
    draw_gaussian(heat, 8, 6, 0)
    assert heat[6, 8] == 1


def test_of_two_bells_the_higher_one_counts():
    first, second = np.zeros((2, 8, 8))
    draw_gaussian(first, 2, 2, 3)
    draw_gaussian(second, 4, 3, 2)
    both = np.zeros((8, 8))
    draw_gaussian(both, 2, 2, 3)
    draw_gaussian(both, 4, 3, 2)
    np.testing.assert_array_equal(both, np.maximum(first, second))


def test_an_object_gives_its_cell_its_size_and_place():
    heat, sizes, offsets, mask = CenterTargets(2, (64, 80))(BOXES, IDS)
    assert (heat.shape, sizes.shape, offsets.shape, mask.shape) == (
        (2, 16, 20),
        (2, 16, 20),
        (2, 16, 20),
        (1, 16, 20),
    )
    places = [(6, 5), (13, 11), (3, 3)]  # column and row of (24, 20), (55, 46), (12, 13.5)
    assert mask.sum() == 3
    assert (heat == 1).sum() == 3
    for (x0, y0, x1, y1), class_, (column, row) in zip(BOXES, IDS, places, strict=True):
        assert heat[class_, row, column] == 1
        assert mask[0, row, column] == 1
        np.testing.assert_allclose(sizes[:, row, column] * 4, (x1 - x0, y1 - y0), rtol=1e-6)
        centers = (offsets[:, row, column] + (column, row)) * 4
        np.testing.assert_allclose(centers, ((x0 + x1) / 2, (y0 + y1) / 2), rtol=1e-6)
    assert ((offsets >= 0) & (offsets < 1)).all()
    assert not (sizes * (1 - mask)).any()


def test_what_makes_no_target():
    boxes = np.array([[5, 5, 5, 9], [9, 9, 3, 12], [60, 10, 90, 20], [-1, -1, -1, -1]], np.float32)
    found = CenterTargets(1, (64, 64))(boxes, np.array([0, 0, 0, -1]))
    assert not any(part.any() for part in found)
    assert not CenterTargets(1, (64, 64))(np.zeros((0, 4)), np.zeros(0))[0].any()


def test_a_box_with_nan_makes_none():
    boxes = np.array([[np.nan, 1, 9, 9]], np.float32)
    assert not CenterTargets(1, (32, 32))(boxes, np.array([0]))[3].any()


def test_it_can_be_pickled():
    made = CenterTargets(2, (64, 80))
    again = pickle.loads(pickle.dumps(made))
    for a, b in zip(made(BOXES, IDS), again(BOXES, IDS), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"classes": 0, "size": (8, 8)}, "at least 1, got CenterTargets"),
        ({"classes": 1, "size": (8, 8), "stride": 0}, "at least 1, got CenterTargets"),
        ({"classes": 1, "size": (8, 8), "overlap": 1}, r"overlap must be in \(0, 1\)"),
    ],
)
def test_errors(fields, message):
    with pytest.raises(ValueError, match=message):
        CenterTargets(**fields)


def test_boxes_of_a_wrong_shape():
    with pytest.raises(BoxError, match="got the shape"):
        CenterTargets(1, (8, 8))(np.zeros((2, 3)), np.zeros(2))
