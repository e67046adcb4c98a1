from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from toolkit.data.vision.transforms.batch import random_crop_batch, random_flip_batch


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(1, 256, (200, 9, 7, 3), np.uint8)


def test_each_crop_is_a_window_of_its_own_image(images: np.ndarray) -> None:
    crops = random_crop_batch(images, np.random.default_rng(1), padding=2)
    assert (crops.shape, crops.dtype) == (images.shape, images.dtype)
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))
    places = []
    for crop, image in zip(crops, padded, strict=True):
        found = [
            (top, left)
            for top in range(5)
            for left in range(5)
            if np.array_equal(crop, image[top : top + 9, left : left + 7])
        ]
        assert len(found) == 1
        places += found
    assert len(set(places)) == 25  # every place is reached


def test_padding_is_filled(images: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    assert (random_crop_batch(images, rng, padding=1) == 0).any()
    assert not (random_crop_batch(images, rng, padding=1, fill=5) == 0).any()
    np.testing.assert_array_equal(random_crop_batch(images, rng, padding=0), images)


def test_flip(images: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    before = images.copy()
    flipped = random_flip_batch(images, rng)
    same = (flipped == images).all((1, 2, 3))
    mirrored = (flipped == images[:, :, ::-1]).all((1, 2, 3))
    assert (same ^ mirrored).all()
    assert 70 < same.sum() < 130
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(random_flip_batch(images, rng, probability=0), images)
    everything = random_flip_batch(images, rng, probability=1)
    np.testing.assert_array_equal(everything, images[:, :, ::-1])


@pytest.mark.parametrize("augment", [random_crop_batch, random_flip_batch])
def test_chance_comes_from_the_generator(
    augment: Callable[..., np.ndarray], images: np.ndarray
) -> None:
    first, second = (augment(images, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, augment(images, np.random.default_rng(8)))
