from __future__ import annotations

import numpy as np
import pytest

from toolkit.deploy.agreement import difference


def test_the_greatest_difference_counts_relative_to_its_output() -> None:
    wanted = [np.array([0.0, 10.0]), np.array([[1.0]])]
    assert difference(wanted, wanted) == 0
    assert difference([np.array([0.0, 10.1]), np.array([[1.5]])], wanted) == 0.5
    assert difference([np.array([0.1, 10.0]), np.array([[1.0]])], wanted) == pytest.approx(0.01)


def test_other_shapes_and_what_is_no_number_are_infinitely_far() -> None:
    wanted = [np.array([1.0, 2.0])]
    assert difference([np.array([[1.0, 2.0]])], wanted) == np.inf
    assert difference([*wanted, *wanted], wanted) == np.inf
    assert difference([np.array([1.0, np.nan])], wanted) == np.inf
    assert difference([np.empty((0, 2))], [np.empty((0, 2))]) == 0


def test_rows_of_detections_may_change_places_but_not_values() -> None:
    ids = np.array([[[3.0], [5.0], [-1.0]]])
    scores = np.array([[[0.9], [0.9], [-1.0]]])
    boxes = np.array([[[0.0, 0, 8, 8], [2, 2, 4, 4], [-1, -1, -1, -1]]])
    wanted = [ids, scores, boxes]
    swapped = [array[:, [1, 0, 2]] for array in wanted]
    assert difference(swapped, wanted) == 0
    assert difference([swapped[0], scores, boxes], wanted) > 0.1
    masks = np.array([[np.zeros((2, 2)), np.eye(2), np.full((2, 2), -1)]])
    assert difference([*swapped, masks[:, [1, 0, 2]]], [*wanted, masks]) == 0
    assert difference([*swapped, masks], [*wanted, masks]) > 0.1
    twice = [array[:, [0, 0, 2]] for array in wanted]
    assert difference(twice, wanted) > 0.1
