from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from toolkit.data.vision.transforms import geometry as g


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.mark.parametrize("name", g.INTERPOLATIONS)
def test_resize_keeps_a_plain_colour(name: str) -> None:
    image = np.full((20, 30, 3), (1, 100, 250), np.uint8)
    resized = g.resize(image, (7, 45), name)
    assert (resized.shape, resized.dtype) == ((7, 45, 3), np.uint8)
    assert (resized == (1, 100, 250)).all()


@pytest.mark.parametrize("shape", [(8, 6), (8, 6, 1), (8, 6, 3), (8, 6, 5)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_resize_takes_any_channels(shape: tuple[int, ...], dtype: type) -> None:
    image: np.ndarray = np.random.default_rng(0).integers(0, 256, shape).astype(dtype)
    resized = g.resize(image, (16, 12), "nearest")
    assert (resized.shape, resized.dtype) == ((16, 12, *shape[2:]), dtype)
    np.testing.assert_array_equal(resized[::2, ::2], image)
    assert g.resize(image, (8, 6)) is image


def test_area_is_the_mean() -> None:
    image = np.array([[0, 10, 100, 200], [20, 30, 150, 250]], np.uint8)
    assert g.resize(image, (1, 2), "area").tolist() == [[15, 175]]


@pytest.mark.parametrize("size", [0, (3, 0), (1, 2, 3), 1.5, "ab", (2.5, 3), (-1, 2)])
def test_wrong_sizes(size: Any) -> None:
    with pytest.raises(ValueError, match=r"size .* is neither a whole number nor"):
        g.resize(np.zeros((4, 4, 3), np.uint8), size)


def test_wrong_interpolation() -> None:
    with pytest.raises(ValueError, match="unknown interpolation 'cubic'; did you mean bicubic"):
        g.resize(np.zeros((4, 4, 3), np.uint8), 2, "cubic")


@pytest.mark.parametrize(
    ("shape", "expected"), [((40, 60), (20, 30)), ((61, 43), (28, 20)), ((20, 20), (20, 20))]
)
def test_resize_short(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    assert g.resize_short(np.zeros((*shape, 3), np.uint8), 20).shape == (*expected, 3)


@pytest.mark.parametrize(("name", "code"), [("nearest", 0), ("bilinear", 1), ("area", 3)])
@pytest.mark.parametrize("short", [17, 100])
def test_as_mxnet_resizes_and_crops(name: str, code: int, short: int, photo: np.ndarray) -> None:
    mx = pytest.importorskip("mxnet")
    for image in (photo, photo.transpose(1, 0, 2).copy()):
        theirs = mx.image.resize_short(mx.nd.array(image, dtype="uint8"), short, interp=code)
        ours = g.resize_short(image, short, name)
        assert ours.shape == theirs.shape
        difference = np.abs(ours.astype(int) - theirs.asnumpy())
        assert difference.max() <= 1  # the two builds of OpenCV round apart, and seldom
        assert difference.mean() < 0.01
        crop = mx.image.center_crop(mx.nd.array(ours, dtype="uint8"), (15, 16))[0].asnumpy()
        np.testing.assert_array_equal(g.center_crop(ours, (16, 15)), crop)


def test_center_crop_is_a_view(photo: np.ndarray) -> None:
    crop = g.center_crop(photo, (41, 60))
    assert np.shares_memory(crop, photo)
    np.testing.assert_array_equal(crop, photo[1:42, :60])


@pytest.mark.parametrize(
    "crop",
    [
        g.center_crop,
        lambda image, size: g.random_crop(image, size, np.random.default_rng(0)),
        g.ten_crop,
    ],
)
def test_a_crop_must_fit(crop: Callable[..., np.ndarray], photo: np.ndarray) -> None:
    with pytest.raises(ValueError, match="cannot crop 44 x 10 from an image of 43 x 61"):
        crop(photo, (44, 10))


def test_random_crop_reaches_every_place(rng: np.random.Generator) -> None:
    image = np.arange(20).reshape(4, 5)
    seen = {int(g.random_crop(image, (2, 3), rng)[0, 0]) for _ in range(300)}
    assert seen == {0, 1, 2, 5, 6, 7, 10, 11, 12}


def test_random_crop_pads(rng: np.random.Generator, photo: np.ndarray) -> None:
    crops = [g.random_crop(photo, (43, 61), rng, padding=4, fill=9) for _ in range(50)]
    assert {crop.shape for crop in crops} == {photo.shape}
    assert any((crop[0] == 9).all() for crop in crops)
    padded = g.pad(photo, 4, 9)
    assert padded.shape == (51, 69, 3)
    np.testing.assert_array_equal(g.center_crop(padded, (43, 61)), photo)


def test_random_resized_crop_keeps_its_bounds(rng: np.random.Generator) -> None:
    rows, columns = np.mgrid[:200, :300].astype(np.float32)
    image = np.stack([rows, columns], 2)
    areas, aspects = [], []
    for _ in range(300):
        crop = g.random_resized_crop(image, 64, rng, scale=(0.2, 0.6), ratio=(0.5, 2.0))
        height, width = (np.ptp(crop[..., i]) * 64 / 63 for i in (0, 1))
        areas.append(height * width / 60000)
        aspects.append(width / height)
    assert 0.18 < min(areas) < 0.25
    assert 0.55 < max(areas) < 0.63
    assert 0.48 < min(aspects) < 0.6
    assert 1.7 < max(aspects) < 2.1


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 100)])
def test_random_resized_crop_of_strips(shape: tuple[int, int], rng: np.random.Generator) -> None:
    image = np.zeros((*shape, 3), np.uint8)
    for _ in range(20):
        assert g.random_resized_crop(image, (8, 9), rng).shape == (8, 9, 3)


def test_chance_comes_from_the_generator(photo: np.ndarray) -> None:
    def run(seed: int) -> np.ndarray:
        return g.random_resized_crop(photo, 20, np.random.default_rng(seed))

    np.testing.assert_array_equal(run(1), run(1))
    assert not np.array_equal(run(1), run(2))


def test_random_flip(photo: np.ndarray, rng: np.random.Generator) -> None:
    assert g.random_flip(photo, rng, probability=0) is photo
    mirrored = g.random_flip(photo, rng, probability=1)
    np.testing.assert_array_equal(mirrored, photo[:, ::-1])
    assert mirrored.flags.c_contiguous
    count = sum(g.random_flip(photo, rng) is photo for _ in range(1000))
    assert 430 < count < 570


def test_ten_crop(photo: np.ndarray) -> None:
    crops = g.ten_crop(photo, (11, 21))
    assert crops.shape == (10, 11, 21, 3)
    np.testing.assert_array_equal(crops[0], photo[16:27, 20:41])
    np.testing.assert_array_equal(crops[1], photo[:11, :21])
    np.testing.assert_array_equal(crops[2], photo[32:, :21])
    np.testing.assert_array_equal(crops[3], photo[:11, 40:])
    np.testing.assert_array_equal(crops[4], photo[32:, 40:])
    np.testing.assert_array_equal(crops[5:], crops[:5, :, ::-1])
