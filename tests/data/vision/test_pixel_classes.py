"""Classes move with their pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from toolkit.data.vision import PixelAugment, PixelBatch
from toolkit.data.vision.pixel_classes import GRAY

PLAIN = PixelAugment((20, 30), 1, 1, flip=0, brightness=0, contrast=0, saturation=0)


def sample(height: int = 40, width: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """A picture whose brightness is ten times the class of each pixel."""
    ids = np.add.outer(np.arange(height) // 8, np.arange(width) // 10).astype(np.int32)
    return np.repeat((ids * 10).astype(np.uint8)[..., None], 3, 2), ids


@pytest.mark.parametrize(
    "augment",
    [PLAIN, replace(PLAIN, flip=1), replace(PLAIN, smallest=0.3, largest=3, flip=0.5)],
)
@pytest.mark.parametrize("seed", range(5))
def test_a_class_stays_with_its_pixel(augment: PixelAugment, seed: int) -> None:
    image, ids = augment(sample(), np.random.default_rng(seed))
    assert (image.shape, ids.shape) == ((20, 30, 3), (20, 30))
    seen = ids >= 0
    assert (image[~seen] == GRAY).all()
    far = np.abs(image[..., 0].astype(int) - ids * 10)[seen]
    if augment.smallest == 1:
        assert not far.any()
    assert np.median(far) == 0  # borders are interpolated
    assert far.mean() < 3
    assert seen.any()


def test_a_smaller_picture_lies_on_gray_and_void() -> None:
    image, ids = PLAIN(sample(10, 40), np.random.default_rng(0))
    assert (ids >= 0).sum() == 10 * 30
    assert (image[ids < 0] == GRAY).all()
    assert len(np.unique(np.flatnonzero((ids >= 0).all(1)))) == 10


def test_the_mirror_image() -> None:
    picture = sample(20, 30)
    plain, mirrored = (
        replace(PLAIN, flip=flip)(picture, np.random.default_rng(0)) for flip in (0, 1)
    )
    for one, other in zip(plain, mirrored, strict=True):
        np.testing.assert_array_equal(one[:, ::-1], other)


def test_the_same_seed_gives_the_same() -> None:
    augment = PixelAugment((20, 30))
    first, second = (augment(sample(), np.random.default_rng(3)) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, second, strict=True))


def test_a_batch_is_normalized_and_stacked() -> None:
    batch = [sample(), sample()]
    images, ids = PixelBatch(mean=(0.0,) * 3, std=(1.0,) * 3)(batch, None)
    assert (images.shape, ids.shape) == ((2, 3, 40, 50), (2, 40, 50))
    np.testing.assert_allclose(images[1, 2] * 255, batch[1][1] * 10, rtol=1e-5)
    with pytest.raises(ValueError, match=r"pictures of \(40, 50\) and \(41, 50\) make no batch"):
        PixelBatch()([sample(), sample(41)], None)


@pytest.mark.parametrize(("smallest", "largest"), [(0, 1), (2, 1)])
def test_scales_out_of_range_are_refused(smallest: float, largest: float) -> None:
    with pytest.raises(ValueError, match="smallest must be above 0 and not above largest"):
        PixelAugment((20, 30), smallest, largest)
