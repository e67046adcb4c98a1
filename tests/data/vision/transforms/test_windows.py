"""Windows of pictures: what comes where, and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from toolkit.data.vision.transforms import Window, flip_with_boxes, move_points
from toolkit.utils.boxes import BoxError

SIZE = (64, 48)
CORNERS = np.array([[10, 20], [40, 60]], np.float32)


def test_a_box_takes_the_aspect_and_a_margin() -> None:
    wide = Window.around((10, 20, 40, 30), SIZE, margin=1.5)
    assert (wide.center, wide.width) == ((25, 25), 45)
    high = Window.around((10, 20, 40, 100), SIZE, margin=1)
    assert (high.center, high.width) == ((25, 60), 60)


def test_the_box_fills_its_image() -> None:
    window = Window.around((10, 20, 40, 60), SIZE, margin=1)
    expected = np.array([[0, 0], [48, 64]])
    np.testing.assert_allclose(move_points(CORNERS, window.matrix(SIZE)), expected, atol=1e-4)
    window = Window.around((10, 20, 40, 60), SIZE, margin=2)
    expected = np.array([[12, 16], [36, 48]])
    np.testing.assert_allclose(move_points(CORNERS, window.matrix(SIZE)), expected, atol=1e-4)


def test_a_window_that_is_turned_clockwise_shows_the_picture_turned_back() -> None:
    window = Window((50, 50), 20, angle=90)
    # Its upper edge is to the right in the picture.
    moved = move_points(np.array([[60.0, 50.0]]), window.matrix(20))
    np.testing.assert_allclose(moved, [[10, 0]], atol=1e-5)


def test_a_mirrored_one_shows_the_mirror_image(photo: np.ndarray) -> None:
    box = np.array([[8, 4, 40, 36]], np.float32)
    window = Window.around(box[0], 32, 1)
    plain, mirrored = window.cut(photo, 32), replace(window, mirrored=True)
    # Whole numbers are the middles of pixels: the mirror of column i is 32 - i.
    np.testing.assert_array_equal(mirrored.cut(photo, 32)[:, 1:], plain[:, :0:-1])
    flipped, moved = flip_with_boxes(photo, box)
    np.testing.assert_array_equal(
        Window.around(moved[0] - [1, 0, 1, 0], 32, 1).cut(flipped, 32), mirrored.cut(photo, 32)
    )


@pytest.mark.parametrize("mirrored", [False, True])
def test_back_again(mirrored: bool) -> None:
    window = Window((31.5, 20.25), 70, angle=-33, mirrored=mirrored)
    there = move_points(CORNERS, window.matrix(SIZE))
    np.testing.assert_allclose(move_points(there, window.inverse(SIZE)), CORNERS, atol=1e-4)


def test_what_is_cut_out_shows_what_was_there(photo: np.ndarray) -> None:
    window = Window((30, 20), 16)
    np.testing.assert_array_equal(window.cut(photo, 16), photo[12:28, 22:38])
    bright = np.full((40, 40, 3), 200, np.uint8)
    beyond = Window((0, 0), 16).cut(bright, 16)
    assert (beyond[:8, :8] == 0).all()
    assert (beyond[8:, 8:] == 200).all()


def test_points_move_by_matrices_of_their_own() -> None:
    windows = [Window((10, 10), 20), Window((30, 10), 5, angle=20)]
    matrices = np.stack([window.matrix(SIZE) for window in windows])
    points = np.stack([CORNERS, CORNERS + 3])
    found = move_points(points, matrices)
    assert (found.shape, found.dtype) == ((2, 2, 2), np.float32)
    for mine, one, matrix in zip(found, points, matrices, strict=True):
        np.testing.assert_allclose(mine, move_points(one, matrix), atol=1e-5)


def test_what_is_no_window_is_refused() -> None:
    with pytest.raises(BoxError, match="a box with area, got 5, 0, 5, 9"):
        Window.around((5, 0, 5, 9), SIZE)
    with pytest.raises(ValueError, match="a width above 0"):
        Window((1, 2), 0)
    with pytest.raises(ValueError, match="a middle"):
        Window((1, float("nan")), 5)
