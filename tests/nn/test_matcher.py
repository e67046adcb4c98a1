"""Which object is an anchor's."""

from __future__ import annotations

import numpy as np

from toolkit.nn.matcher import compose, match_best, match_bipartite, match_maximum

OVERLAPS = np.array([[0.9, 0.1], [0.8, 0.6], [0.2, 0.3], [0.0, 0.0]])


def test_maximum_takes_what_overlaps_most() -> None:
    assert match_maximum(OVERLAPS, 0.5).tolist() == [0, 0, -1, -1]
    assert match_maximum(OVERLAPS, 0.3).tolist() == [0, 0, 1, -1]


def test_the_best_for_an_object_take_what_they_overlap_most() -> None:
    assert match_best(OVERLAPS).tolist() == [0, 0, -1, -1]  # the second is best for the other one
    ties = np.array([[0.4, 0.0], [0.4, 0.0], [0.3, 0.0]])  # and nothing overlaps the second object
    assert match_best(ties).tolist() == [0, 0, -1]
    assert match_best(np.zeros((3, 0))).tolist() == [-1, -1, -1]


def test_bipartite_pairs_one_to_one() -> None:
    assert match_bipartite(OVERLAPS).tolist() == [0, 1, -1, -1]
    both_want_the_first = np.array([[0.9, 0.8], [0.1, 0.5]])
    assert match_bipartite(both_want_the_first).tolist() == [0, 1]


def test_bipartite_equals_the_definition() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        overlaps = rng.uniform(size=(15, 6)) * (rng.uniform(size=(15, 6)) > 0.4)
        left, expected = overlaps.copy(), np.full(15, -1)
        while left.max() > 0:
            anchor, one = np.unravel_index(left.argmax(), left.shape)
            expected[anchor] = one
            left[anchor], left[:, one] = 0, 0
        assert match_bipartite(overlaps, ties=False).tolist() == expected.tolist()


def test_an_equal_anchor_takes_its_object_too() -> None:
    overlaps = np.array([[0.7, 0.0], [0.7, 0.1], [0.6, 0.2]])
    assert match_bipartite(overlaps, ties=False).tolist() == [0, -1, 1]
    assert match_bipartite(overlaps).tolist() == [0, 0, 1]


def test_what_overlaps_nothing_matches_nothing() -> None:
    assert match_bipartite(np.zeros((3, 2))).tolist() == [-1, -1, -1]
    for none in (match_bipartite(np.zeros((3, 0))), match_maximum(np.zeros((3, 0)), 0.5)):
        assert none.tolist() == [-1, -1, -1]


def test_the_first_matching_goes_before() -> None:
    first, second = np.array([-1, 2, -1]), np.array([1, 0, -1])
    assert compose(first, second).tolist() == [1, 2, -1]
    assert first.tolist() == [-1, 2, -1]
