from __future__ import annotations

import numpy as np
import pytest

from toolkit.data.vision.transforms.tensor import denormalize, normalize

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
EVERY_VALUE = np.stack([np.arange(256, dtype=np.uint8).reshape(8, 32)] * 3, 2)


@pytest.mark.parametrize(("mean", "std"), [((0, 0, 0), (1, 1, 1)), (MEAN, STD)])
def test_values(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    array = normalize(EVERY_VALUE, mean, std)
    expected = (EVERY_VALUE / 255 - np.array(mean)) / np.array(std)
    assert (array.shape, array.dtype) == ((3, 8, 32), np.float32)
    np.testing.assert_allclose(array, expected.transpose(2, 0, 1), atol=1e-6)
    np.testing.assert_array_equal(denormalize(array, mean, std), EVERY_VALUE)


def test_a_batch_is_its_images(photo: np.ndarray) -> None:
    batch = np.stack([photo, photo[::-1], photo[:, ::-1]])
    expected = np.stack([normalize(image, MEAN, STD) for image in batch])
    array = normalize(batch, MEAN, STD)
    np.testing.assert_array_equal(array, expected)
    assert array.flags.c_contiguous
    np.testing.assert_array_equal(denormalize(array, MEAN, STD), batch)


def test_views_and_tiny_images(photo: np.ndarray) -> None:
    view = photo[3:20, 5:50]
    np.testing.assert_array_equal(normalize(view), normalize(view.copy()))
    np.testing.assert_array_equal(normalize(view[:, ::-1]), normalize(view)[:, :, ::-1])
    assert normalize(photo[:1, :1]).shape == (3, 1, 1)


def test_as_mxnet(photo: np.ndarray) -> None:
    mx = pytest.importorskip("mxnet")
    transforms = mx.gluon.data.vision.transforms
    theirs = transforms.Normalize(MEAN, STD)(
        transforms.ToTensor()(mx.nd.array(photo, dtype="uint8"))
    )
    np.testing.assert_allclose(normalize(photo, MEAN, STD), theirs.asnumpy(), atol=1e-6)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4), np.uint8),
        np.zeros((3, 4, 4), np.uint8),
        np.zeros((4, 4, 1), np.uint8),
    ],
)
def test_other_arrays_are_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"takes \(H, W, 3\) or \(N, H, W, 3\) uint8, not"):
        normalize(image)


@pytest.mark.parametrize(("mean", "std"), [((0, 0), (1, 1, 1)), ((0, 0, 0), (1, 0, 1))])
def test_wrong_numbers_are_refused(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="three numbers each, std above 0"):
        normalize(EVERY_VALUE, mean, std)
