"""COCO's run-length masks."""

from __future__ import annotations

import numpy as np
import pytest

from toolkit.utils.rle import RLEError, decode_mask, encode_mask


@pytest.mark.parametrize("density", [0, 0.02, 0.5, 1])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (300, 200)])
def test_a_mask_comes_back(density: float, size: tuple[int, int]) -> None:
    mask = np.random.default_rng(0).random(size) < density
    rle = encode_mask(mask)
    assert rle["size"] == list(size)
    assert isinstance(rle["counts"], str)
    decoded = decode_mask(rle)
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, mask)


def test_counts_go_down_the_columns() -> None:
    expected = np.array([[0, 1], [0, 1], [1, 0]])
    np.testing.assert_array_equal(decode_mask({"size": [3, 2], "counts": [2, 3, 1]}), expected)


def test_packed_counts_are_the_official_ones() -> None:
    pycocotools = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(1)
    blobs = np.add.outer(np.sin(np.arange(90) / 9), np.cos(np.arange(700) / 50)) > 0.3
    for mask in (blobs, rng.random((50, 40)) < 0.3, np.ones((3, 4), bool)):
        theirs = pycocotools.encode(np.asfortranarray(mask, np.uint8))
        assert encode_mask(mask)["counts"] == theirs["counts"].decode()
        np.testing.assert_array_equal(decode_mask(theirs), mask)


@pytest.mark.parametrize(
    "rle",
    [
        {"size": [2, 2], "counts": [1, 2]},
        {"size": [2, 2], "counts": [-1, 5]},
        {"size": [2, 2]},
        {"size": 3, "counts": []},
        {"size": [2, 2], "counts": "é"},
        {"size": [2, 2], "counts": "!"},
        {"size": [2, 2], "counts": "P"},
    ],
)
def test_what_is_no_mask_is_told(rle: dict) -> None:
    with pytest.raises(RLEError, match=r"no run-length mask|do not fill 2 x 2"):
        decode_mask(rle)
