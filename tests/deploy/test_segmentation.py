from __future__ import annotations

import numpy as np
import pytest

from toolkit.deploy.segmentation import label_map, segment


def scores() -> np.ndarray:
    """Of two pictures of 2 x 4: class 1 in the left three columns of the first, else class 0."""
    found = np.zeros((2, 3, 2, 4), np.float32)
    found[:, 0] = 1
    found[0, 1, :, :3] = 3
    return found


def test_regions_come_largest_first() -> None:
    first, second = segment([scores()], ["sky", "road", "car"], 10)
    regions = first[0].regions(2, 4)
    assert [(r.label, r.index, r.share) for r in regions] == [("road", 1, 0.75), ("sky", 0, 0.25)]
    assert regions[0].mask.tolist() == [[True, True, True, False]] * 2
    assert [r.label for r in second[0].regions(2, 4)] == ["sky"]
    (largest,) = segment([scores()], None, 1)[0][0].regions(2, 4)
    assert largest.label == "class 1"


def test_scores_are_interpolated_before_they_are_compared() -> None:
    (found,), _ = segment([scores()], None, 10)
    ids = label_map(found.regions(20, 40))
    assert ids.shape == (20, 40)
    # Between the middles of the last two columns, 3 falls to 0: it is above 1 for two thirds.
    assert ids[0].tolist() == [1] * 32 + [0] * 8


def test_a_label_map_has_a_class_for_each_pixel() -> None:
    (found,), _ = segment([scores()], None, 1)
    assert label_map(found.regions(2, 4)).tolist() == [[1, 1, 1, -1]] * 2
    with pytest.raises(ValueError, match="at least one region"):
        label_map([])


def test_what_is_no_segmenter_is_refused() -> None:
    with pytest.raises(ValueError, match=r"this network gave \(2, 5\)"):
        segment([np.zeros((2, 5))], None, 5)
    with pytest.raises(ValueError, match="1 labels for a network of 3 classes"):
        segment([scores()], ["a"], 5)
    with pytest.raises(ValueError, match="not a number"):
        segment([scores() * np.nan], None, 5)
