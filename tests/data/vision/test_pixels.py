from __future__ import annotations

import re

import numpy as np
import pytest

from toolkit.data.vision.pixels import ImageError, array_to_rgb, over_white, upright


def test_a_finished_image_is_not_copied(photo: np.ndarray) -> None:
    assert array_to_rgb(photo, "it") is photo


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint32", "uint64"])
def test_integers(dtype: str) -> None:
    image = array_to_rgb(np.array([[0, 100, 127]], dtype), "it")
    assert image.tolist() == [[[0] * 3, [100] * 3, [127] * 3]]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_are_rounded(dtype: str) -> None:
    values = np.array([[0, 0.5, 1, 100.4 / 255]], dtype)
    assert array_to_rgb(values, "it")[0, :, 0].tolist() == [0, 128, 255, 100]


def test_bool_and_sixteen_bits() -> None:
    assert array_to_rgb(np.array([[False, True]]), "it")[0, :, 1].tolist() == [0, 255]
    deep = np.array([[0, 255, 256, 65535]], ">u2")
    assert array_to_rgb(deep, "it")[0, :, 2].tolist() == [0, 0, 1, 255]


def test_views_become_contiguous(photo: np.ndarray) -> None:
    flipped = array_to_rgb(photo[::-1, ::2], "it")
    np.testing.assert_array_equal(flipped, photo[::-1, ::2])
    assert flipped.flags.c_contiguous


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((3, 8, 9), np.uint8), r"\(3, 8, 9\).*channels come last"),
        (np.zeros((2, 8, 9, 3), np.uint8), r"\(2, 8, 9, 3\)"),
        (np.zeros((0, 8, 3), np.uint8), r"\(0, 8, 3\)"),
        (np.zeros((4, 4, 5), np.uint8), r"\(4, 4, 5\)"),
        (np.zeros(5, np.uint8), r"\(5,\)"),
        (np.full((2, 2), 1.5), "from 1.5 to 1.5.*0 to 1"),
        (np.array([[0.5, np.nan]]), "nan"),
        (np.array([[-1, 3]]), "from -1 to 3.*0 to 255"),
        (np.array([[300]]), "300"),
        (np.array([["a"]]), "dtype <U1"),
        (np.array([[1j]]), "dtype complex128"),
    ],
)
def test_other_arrays_are_refused(array: np.ndarray, reason: str) -> None:
    with pytest.raises(ImageError, match=f"my array.*{reason}"):
        array_to_rgb(array, "my array")


def test_transparency_over_white() -> None:
    values, alphas = np.meshgrid(np.arange(256), np.arange(256))
    rgba = np.stack([values, values, values, alphas], 2).astype(np.uint8)
    exact = (values * alphas + 255.0 * (255 - alphas)) / 255
    assert np.abs(over_white(rgba)[..., 0] - exact).max() <= 0.5
    assert array_to_rgb(rgba, "it").shape == (256, 256, 3)


def test_unknown_orientations_change_nothing(photo: np.ndarray) -> None:
    for orientation in (0, 1, 9):
        assert upright(photo, orientation) is photo


def test_each_turn_is_undone_by_its_inverse(photo: np.ndarray) -> None:
    inverse = {2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}
    for orientation, back in inverse.items():
        turned = upright(photo, orientation)
        assert not np.array_equal(turned, photo)
        np.testing.assert_array_equal(upright(turned, back), photo)


def test_the_message_has_no_array_in_it() -> None:
    with pytest.raises(ImageError) as caught:
        array_to_rgb(np.full((100, 100), 7.0), "it")
    assert not re.search(r"\[\[", str(caught.value))
