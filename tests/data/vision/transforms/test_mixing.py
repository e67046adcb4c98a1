from __future__ import annotations

import numpy as np
import pytest

from toolkit.data.vision.transforms import cutmix, mixup, mixup_boxes


@pytest.fixture
def batch() -> tuple[np.ndarray, np.ndarray]:
    """Image i holds the value i and is of class i."""
    images = np.broadcast_to(np.arange(64, dtype=np.float32)[:, None, None, None], (64, 3, 8, 6))
    return images.copy(), np.arange(64)


def test_images_and_labels_are_mixed_alike(batch):
    images, shares = mixup(batch, np.random.default_rng(0), classes=64, alpha=0.4)
    assert images.shape == batch[0].shape
    assert images.dtype == shares.dtype == np.float32
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(images[:, 0, 0, 0], shares @ np.arange(64), rtol=1e-5)
    assert (np.count_nonzero(shares, axis=1) <= 2).all()


def test_small_alphas_leave_images_alone(batch):
    sizes = []
    for alpha in (0.05, 5.0):
        _, shares = mixup(batch, np.random.default_rng(0), classes=64, alpha=alpha)
        sizes.append(shares.max(1).mean())
    assert sizes[0] > 0.9 > 0.7 > sizes[1]


def test_a_box_comes_from_another_image_and_the_labels_say_how_much(batch):
    images, shares = cutmix(batch, np.random.default_rng(0), classes=64)
    mixed = 0
    for index, (image, share) in enumerate(zip(images, shares, strict=True)):
        values, counts = np.unique(image, return_counts=True)
        expected = np.zeros(64)
        expected[values.astype(int)] = counts / image.size
        np.testing.assert_allclose(share, expected, atol=1e-6)
        foreign = np.argwhere(image[0] != index)
        if len(foreign):
            mixed += 1
            height, width = foreign.max(0) - foreign.min(0) + 1
            assert height * width == len(foreign)  # a full box
            assert (image[0] == image).all()  # in all channels
    assert mixed > 32


def test_the_batch_itself_stays(batch):
    before = batch[0].copy()
    mixup(batch, np.random.default_rng(0), classes=64)
    cutmix(batch, np.random.default_rng(0), classes=64)
    np.testing.assert_array_equal(batch[0], before)


@pytest.mark.parametrize("mix", [mixup, cutmix])
def test_wrong_input_is_refused(batch, mix):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"class indices .* below 63"):
        mix(batch, rng, classes=63)
    with pytest.raises(ValueError, match="alpha must be above 0, got 0"):
        mix(batch, rng, classes=64, alpha=0)
    with pytest.raises(ValueError, match=r"images of (float|shape)"):
        mix((np.zeros((4, 8, 8), np.uint8), np.arange(4)), rng, classes=64)


def test_objects_of_both_images_come_along(batch):
    images, ids = batch[0], np.arange(64.0)[:, None].repeat(2, 1)
    ids[:, 1] = -1  # filling
    boxes = np.broadcast_to(ids[..., None], (64, 2, 4)).copy()
    mixed, moved, classes, shares = mixup_boxes((images, boxes, ids), np.random.default_rng(0))
    assert moved.shape == (64, 4, 4)
    assert classes.shape == shares.shape == (64, 4)
    assert shares.dtype == mixed.dtype == np.float32
    np.testing.assert_array_equal(moved[..., 0], classes)
    assert not shares[classes < 0].any()
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose((shares * classes).sum(1), mixed[:, 0, 0, 0], rtol=1e-4)


def test_objects_of_integer_images_are_not_mixed(batch):
    with pytest.raises(ValueError, match="images of float, not uint8"):
        mixup_boxes((batch[0].astype(np.uint8), batch[1]), np.random.default_rng(0))
