from __future__ import annotations

import numpy as np
import pytest

from toolkit.data.vision.arrays import ArrayImages


class Pair(ArrayImages):
    classes = ("no", "yes")


def test_samples() -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    data = Pair(images, np.array([1, 0], np.int32))
    assert len(data) == 2
    assert data[-2][1] == 1
    assert isinstance(data[0][1], int)
    np.testing.assert_array_equal(data[1][0], images[1])
    assert repr(data) == "Pair(2 images)"
    with pytest.raises(IndexError, match="Pair"):
        data[2]


def test_labels_must_fit() -> None:
    images = np.zeros((2, 2, 2, 3), np.uint8)
    with pytest.raises(ValueError, match="Pair: 2 images, but 3 labels"):
        Pair(images, np.array([0, 1, 0]))
    for labels in ([0, 2], [-1, 0]):
        with pytest.raises(ValueError, match=r"labels from .* but there are 2 classes"):
            Pair(images, np.array(labels))
