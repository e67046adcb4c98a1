"""Boxes move with the pixels: a bright patch stays where its box says."""

from __future__ import annotations

import numpy as np
import pytest

from toolkit.data.vision import transforms

PATCHES = ((3, 5, 13, 11), (30, 20, 44, 38))


@pytest.fixture
def scene() -> tuple[np.ndarray, np.ndarray]:
    """A dark picture, (43, 61, 3), with two bright patches, and their boxes."""
    image = np.zeros((43, 61, 3), np.uint8)
    for place, (x0, y0, x1, y1) in enumerate(PATCHES):
        image[y0:y1, x0:x1, place] = 255
    return image, np.array(PATCHES, np.float32)


def found(image: np.ndarray, place: int) -> list[int]:
    """The box of what is bright in a channel."""
    rows, columns = np.nonzero(image[..., place] > 200)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def assert_boxes_fit(image: np.ndarray, boxes: np.ndarray, slack: float = 0) -> None:
    for place, box in enumerate(boxes):
        np.testing.assert_allclose(found(image, place), box, atol=slack)


@pytest.mark.parametrize("vertical", [False, True])
def test_flip(scene, vertical):
    image, boxes = transforms.flip_with_boxes(*scene, vertical=vertical)
    assert_boxes_fit(image, boxes)
    assert (boxes != scene[1]).any()
    again = transforms.flip_with_boxes(image, boxes, vertical=vertical)
    np.testing.assert_array_equal(again[0], scene[0])
    np.testing.assert_array_equal(again[1], scene[1])
    assert transforms.flip_with_boxes(image, np.zeros((0, 4), np.float32))[1].shape == (0, 4)


def test_resize(scene):
    image, boxes = transforms.resize_with_boxes(*scene, (86, 122))
    assert_boxes_fit(image, boxes, slack=1)
    np.testing.assert_array_equal(boxes, scene[1] * 2)
    image, boxes = transforms.resize_with_boxes(*scene, (86, 61))
    np.testing.assert_array_equal(boxes, scene[1] * [1, 2, 1, 2])


def test_letterbox_keeps_the_aspect(scene):
    image, boxes = transforms.letterbox(*scene, (122, 122), fill=(9, 9, 9))
    assert image.shape == (122, 122, 3)
    assert_boxes_fit(image, boxes, slack=1)
    np.testing.assert_array_equal(boxes, scene[1] * 2 + [0, 18, 0, 18])
    assert (image[:18] == 9).all()
    assert (image[104:] == 9).all()


def test_expand(scene):
    sizes = set()
    for seed in range(10):
        rng = np.random.default_rng(seed)
        image, boxes = transforms.random_expand(*scene, rng, largest=3, fill=(1, 2, 3))
        assert_boxes_fit(image, boxes)
        assert 43 <= image.shape[0] <= 129
        sizes.add(image.shape)
        assert (image == (1, 2, 3)).all(-1).sum() >= image.shape[0] * image.shape[1] - 43 * 61
    assert len(sizes) > 5


def test_crop_drops_what_has_its_centre_outside(scene):
    image, boxes, kept = transforms.crop_with_boxes(*scene, (10, 0, 61, 43))
    assert image.shape == (43, 51, 3)
    assert kept.tolist() == [False, True]
    assert found(image, 1) == boxes[1].tolist()
    _, boxes, kept = transforms.crop_with_boxes(*scene, (5, 0, 40, 30))
    assert kept.tolist() == [True, True]
    np.testing.assert_array_equal(boxes, [[0, 5, 8, 11], [25, 20, 35, 30]])  # cut to the crop


def test_constrained_crops_hold_an_object(scene):
    whole = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        image, boxes, kept = transforms.random_constrained_crop(*scene, rng, least=0.4)
        assert kept.any()
        assert min(image.shape[0] / 43, image.shape[1] / 61) >= 0.18  # 0.4 at an aspect of 2
        whole += image.shape == scene[0].shape
        for place in np.flatnonzero(kept):
            np.testing.assert_array_equal(found(image, place), boxes[place])
    assert 0 < whole < 30


def test_the_share_of_an_object_is_kept(scene):
    image, box = scene[0], scene[1][1:]
    for seed in range(30):
        rng = np.random.default_rng(seed)
        _, boxes, kept = transforms.random_constrained_crop(image, box, rng, shares=(0.9,))
        area = (boxes[0, 2:] - boxes[0, :2]).prod()
        assert kept[0]
        assert area >= 0.9 * 14 * 18 - 1e-3


def test_pictures_without_objects_are_cropped(scene):
    empty = np.zeros((0, 4), np.float32)
    shapes = set()
    for seed in range(10):
        rng = np.random.default_rng(seed)
        image, boxes, kept = transforms.random_constrained_crop(scene[0], empty, rng)
        assert boxes.shape == (0, 4)
        assert kept.shape == (0,)
        shapes.add(image.shape)
    assert len(shapes) > 3
