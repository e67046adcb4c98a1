"""Persons cut out of pictures: joints move with the pixels."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from toolkit.data import DataLoader
from toolkit.data.batchify import List
from toolkit.data.vision import PersonCrop, PoseAugment, PoseBatch
from toolkit.data.vision.transforms import move_points
from toolkit.utils.skeletons import COCO_PERSON, Skeleton

TWO = Skeleton(("left hand", "right hand", "head"), upper=(2,))
COLORS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]])
SIZE = (64, 48)


def sample() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A dark picture with a red left hand, a green right hand and a blue head, each 9 pixels."""
    image = np.full((120, 100, 3), 20, np.uint8)
    joints = np.array([[60, 70, 2], [30, 50, 1], [45, 25, 2]], np.float32)
    for (x, y, _), color in zip(joints.astype(int), COLORS, strict=True):
        image[y - 4 : y + 5, x - 4 : x + 5] = color
    return image, np.array([20, 10, 75, 90], np.float32), joints


def test_the_box_is_in_the_middle() -> None:
    image, joints, back = PersonCrop(SIZE, skeleton=TWO)(sample())
    assert (image.shape, image.dtype, back.shape) == ((64, 48, 3), np.uint8, (2, 3))
    np.testing.assert_allclose(move_points(joints[:, :2], back), sample()[2][:, :2], atol=1e-3)
    assert joints[:, 2].tolist() == [2, 1, 2]
    middle = move_points(np.array([[24, 32]]), back)
    np.testing.assert_allclose(middle, [[47.5, 50]], atol=1e-3)


def test_joints_move_with_the_pixels_and_change_names_in_a_mirror() -> None:
    augment = PoseAugment(SIZE, turned=1, skeleton=TWO)
    rng, mirrored = np.random.default_rng(0), 0
    widths, angles = set(), set()
    for _ in range(30):
        image, joints, back = augment(sample(), rng)
        assert image.shape == (64, 48, 3)
        mirror = np.linalg.det(back[:, :2]) < 0
        mirrored += mirror
        # In a mirror the red hand, which was the left, is the right one.
        wanted = COLORS[[1, 0, 2]] if mirror else COLORS
        inside = ((joints[:, :2] > 2) & (joints[:, :2] < [45, 61])).all(1)
        assert inside.any()
        x, y = np.rint(joints[inside, :2]).astype(int).T
        np.testing.assert_allclose(image[y, x], wanted[inside], atol=70)
        widths.add(round(float(np.sqrt(abs(np.linalg.det(back[:, :2])))), 4))
        angles.add(round(float(np.arctan2(back[1, 0], abs(back[0, 0]))), 3))
    assert 8 < mirrored < 22
    least = 1.25 * 60 / 48
    assert min(widths) >= 0.75 * least - 1e-3
    assert max(widths) <= 1.25 * least + 1e-3
    assert len(widths) > 10 < len(angles)


def test_no_change_is_the_middle() -> None:
    augment = PoseAugment(SIZE, scale=0, turn=0, flip=0, skeleton=TWO)
    found, wanted = augment(sample(), np.random.default_rng(0)), PersonCrop(SIZE, skeleton=TWO)
    for ours, theirs in zip(found, wanted(sample()), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def body() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A person whose upper joints are in the upper half, all labelled."""
    joints = np.full((17, 3), 2, np.float32)
    joints[:, 0] = 20 + 3 * np.arange(17)
    joints[:, 1] = np.where(np.arange(17) < 11, 20, 80) + np.arange(17)
    return np.zeros((120, 100, 3), np.uint8), np.array([15, 15, 75, 100], np.float32), joints


def test_half_a_body_is_looked_at_now_and_then() -> None:
    augment = PoseAugment(SIZE, scale=0, turn=0, flip=0, half=1)
    rng, middles = np.random.default_rng(0), []
    for _ in range(20):
        _, _, back = augment(body(), rng)
        middles.append(move_points(np.array([[24, 32]]), back)[0, 1])
    assert set(np.rint(middles).tolist()) == {25, 94}
    few = body()
    few[2][8:, 2] = 0  # eight joints are too few to be halved
    _, _, back = augment(few, rng)
    np.testing.assert_allclose(move_points(np.array([[24, 32]]), back), [[45, 57.5]], atol=1e-3)


def test_colours_change_within_bounds() -> None:
    augment = PoseAugment(SIZE, scale=0, turn=0, flip=0, color=0.3, skeleton=TWO)
    image, _, _ = augment(sample(), np.random.default_rng(0))
    plain, _, _ = PersonCrop(SIZE, skeleton=TWO)(sample())
    assert (image != plain).any()


def test_a_batch_has_images_and_what_is_to_be_learned() -> None:
    crop, data = PersonCrop(SIZE, skeleton=TWO), [sample(), sample(), sample()]
    options = {"batchify": List(), "batch_transform": PoseBatch()}
    (batch,) = DataLoader(data, 3, transform=crop, **options).batches(0)
    shapes = {name: array.shape for name, array in batch.items()}
    assert shapes == {
        "images": (3, 3, 64, 48),
        "maps": (3, 3, 16, 12),
        "weights": (3, 3),
        "back": (3, 2, 3),
    }
    assert {array.dtype.name for array in batch.values()} == {"float32"}
    assert (batch["weights"] == 1).all()
    # Where the map of the head is highest, the image is blue.
    y, x = np.unravel_index(batch["maps"][0, 2].argmax(), (16, 12))
    assert batch["images"][0, :, 4 * y, 4 * x].argmax() == 2
    fine = PoseBatch(stride=2, deviation=1)([crop(sample())], None)
    assert fine["maps"].shape == (1, 3, 32, 24)


def test_the_same_generator_gives_the_same_and_workers_may_have_it() -> None:
    augment = pickle.loads(pickle.dumps(PoseAugment(SIZE, half=0.5)))
    first, second = (augment(body(), np.random.default_rng(5)) for _ in range(2))
    for ours, theirs in zip(first, second, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(ValueError, match=r"scale must be in \[0, 1\), got 1.0"):
        PoseAugment(scale=1.0)
    with pytest.raises(ValueError, match="3 joints, and the skeleton has 17"):
        PersonCrop(skeleton=COCO_PERSON)(sample())
