from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from toolkit.utils.checkpoints import CheckpointError
from toolkit.utils.checkpoints.source import Source
from toolkit.utils.checkpoints.sparse import place_csr, place_rows

Make = Callable[[bytes], Source]


@pytest.mark.parametrize("dtype", ["float32", "int64", "float16"])
@pytest.mark.parametrize("shape", [(5,), (5, 3), (5, 2, 2)])
def test_rows_go_to_their_places(dtype: str, shape: tuple[int, ...], source: Make) -> None:
    expected = np.random.default_rng(0).integers(-9, 9, shape).astype(dtype)
    index = np.array([0, 2, 4])
    rows = expected[index]
    expected[[1, 3]] = 0
    dense = place_rows(source(b""), rows, [index], shape, "w")
    assert dense.dtype == dtype
    np.testing.assert_array_equal(dense, expected)


@pytest.mark.parametrize("shape", [(4, 3), (1, 7), (0, 3), (3, 0)])
def test_csr_goes_to_its_places(shape: tuple[int, int], source: Make) -> None:
    rng = np.random.default_rng(1)
    expected = (rng.integers(-3, 3, shape) * rng.integers(0, 2, shape)).astype(np.float32)
    starts = np.append(0, np.cumsum((expected != 0).sum(axis=1)))
    columns = expected.nonzero()[1]
    dense = place_csr(source(b""), expected[expected != 0], [starts, columns], shape, "w")
    np.testing.assert_array_equal(dense, expected)


@pytest.mark.parametrize(
    ("rows", "index", "shape"),
    [
        (np.ones((2, 3)), np.array([0, 5]), (5, 3)),
        (np.ones((2, 3)), np.array([-1, 0]), (5, 3)),
        (np.ones((2, 3)), np.array([0.0, 1.0]), (5, 3)),
        (np.ones((2, 3)), np.array([0]), (5, 3)),
        (np.ones((2, 3)), np.array([[0], [1]]), (5, 3)),
        (np.ones((2, 3)), np.array([0, 1]), (5, 4)),
        (np.ones((2, 3)), np.array([0, 1]), ()),
        (np.ones((2, 3)), np.array([0, 1]), (1 << 40, 3)),
    ],
)
def test_wrong_rows(
    rows: np.ndarray, index: np.ndarray, shape: tuple[int, ...], source: Make
) -> None:
    with pytest.raises(CheckpointError, match="w"):
        place_rows(source(b""), rows, [index], shape, "w")


@pytest.mark.parametrize(
    ("starts", "columns", "shape"),
    [
        ([0, 1], [0], (2, 3)),
        ([0, 1, 1], [0, 1], (2, 3)),
        ([0, 2, 1], [0], (2, 3)),
        ([0, 2, 1, 2], [0, 1], (3, 3)),
        ([0, 1, 2], [0, 3], (2, 3)),
        ([0, 1, 2], [0, -1], (2, 3)),
        ([0, 1, 2], [0, 1], (2, 3, 1)),
        ([0, 1, 2], [0, 1], (2, 1 << 40)),
    ],
)
def test_wrong_csr(
    starts: list[int], columns: list[int], shape: tuple[int, ...], source: Make
) -> None:
    data = np.ones(len(columns), np.float32)
    with pytest.raises(CheckpointError, match="w"):
        place_csr(source(b""), data, [np.array(starts), np.array(columns)], shape, "w")
