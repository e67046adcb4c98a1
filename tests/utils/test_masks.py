"""Masks of boxes on a picture."""

from __future__ import annotations

import numpy as np
import pytest

from toolkit.utils.masks import paste_masks

SIZE = (30, 40)


def paste(mask: np.ndarray, box: list[float]) -> np.ndarray:
    return paste_masks(mask[None].astype(float), np.array([box], float), SIZE)[0]


def test_a_full_mask_is_its_box() -> None:
    expected = np.zeros(SIZE, bool)
    expected[5:12, 10:31] = True
    np.testing.assert_array_equal(paste(np.ones((7, 7)), [10, 5, 31, 12]), expected)
    np.testing.assert_array_equal(paste(np.ones((7, 7)), [9.6, 5.4, 31.4, 12.4]), expected)


def test_halves_stay_halves() -> None:
    mask = np.zeros((8, 8))
    mask[:, :4] = 1
    pasted = paste(mask, [4, 2, 36, 18])
    assert pasted[2:18, 4:20].all()
    assert pasted.sum() == 16 * 16
    np.testing.assert_array_equal(paste(mask.T, [4, 2, 36, 18]).nonzero()[0].max(), 9)


def test_values_are_bilinear() -> None:
    ramp = np.tile(np.linspace(0, 1, 4), (4, 1))
    columns = paste(ramp, [0, 0, 40, 30]).any(0)
    # Cells' centres are at 5, 15, 25, 35; the value is a half in the middle.
    assert columns.nonzero()[0].min() == 20


def test_what_is_beyond_the_picture_is_cut_off() -> None:
    pasted = paste(np.ones((4, 4)), [-10, -8, 12, 100])
    assert pasted[:, :12].all()
    assert not pasted[:, 12:].any()
    assert not paste(np.ones((4, 4)), [50, 50, 60, 60]).any()


@pytest.mark.parametrize("box", [[5, 5, 5, 9], [9, 9, 5, 20], [np.nan, 0, 9, 9], [-1, -1, -1, -1]])
def test_of_what_is_no_box_there_is_nothing(box: list[float]) -> None:
    assert not paste(np.ones((4, 4)), box).any()


def test_shapes_must_fit() -> None:
    assert paste_masks(np.zeros((0, 4, 4)), np.zeros((0, 4)), SIZE).shape == (0, *SIZE)
    with pytest.raises(ValueError, match=r"\(2, 4, 4\) do not fit boxes of \(1, 4\)"):
        paste_masks(np.zeros((2, 4, 4)), np.zeros((1, 4)), SIZE)
