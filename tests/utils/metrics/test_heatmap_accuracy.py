from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.utils.metrics import HeatmapAccuracy


def maps(*cells: tuple[int, int]) -> np.ndarray:
    """A picture's maps, 40 cells high and 20 wide, each highest at a row and a column."""
    found = np.zeros((1, len(cells), 40, 20), np.float32)
    for joint, (row, column) in enumerate(cells):
        found[0, joint, row, column] = 1
    return found


TRUE = maps((10, 10), (20, 5), (30, 15))


@pytest.mark.parametrize(
    ("cells", "right"),
    [
        (((10, 10), (20, 5), (30, 15)), 3),
        (((11, 10), (20, 6), (30, 15)), 2),  # a tenth is 4 rows or 2 columns, near is half of that
        (((8, 10), (20, 5), (0, 0)), 1),
    ],
)
def test_joints_near_their_place_are_counted(cells: tuple, right: int) -> None:
    metric = HeatmapAccuracy()
    metric.update((TRUE, np.ones((1, 3))), mx.nd.array(maps(*cells)))
    assert metric.get() == {"pck": pytest.approx(right / 3)}


def test_only_what_is_labelled_counts_and_batches_add_up() -> None:
    metric = HeatmapAccuracy(1.5)
    assert np.isnan(metric.get()["pck"])
    far = maps((10, 12), (35, 5), (30, 15))
    metric.update((mx.nd.array(TRUE), mx.nd.array([[1, 1, 0]]), "more"), far)
    assert metric.get() == {"pck": 0.5}
    metric.update((TRUE, np.array([[1, 0, 1]])), TRUE)
    assert metric.get() == {"pck": 0.75}
    metric.reset()
    assert np.isnan(metric.get()["pck"])


def test_counts_add_up_over_workers() -> None:
    first, second = HeatmapAccuracy(), HeatmapAccuracy()
    first.update((TRUE, np.ones((1, 3))), TRUE)
    second.update((TRUE, np.ones((1, 3))), maps((0, 0), (0, 0), (0, 0)))
    ours, theirs = first.sums(), second.sums()
    first.set_sums({key: ours[key] + theirs[key] for key in ours})
    assert first.get() == {"pck": 0.5}


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(ValueError, match="threshold must be above 0, got 0"):
        HeatmapAccuracy(0)
    with pytest.raises(ValueError, match=r"weights \(1, 2\) do not fit"):
        HeatmapAccuracy().update((TRUE, np.ones((1, 2))), TRUE)
