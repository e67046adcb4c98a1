"""Which anchors are learned from."""

from __future__ import annotations

import numpy as np

from toolkit.nn.sampler import mine_negatives, sample_all, sample_quota

MATCHES = np.array([0, -1, -1, 2, -1, -1, -1, -1, -1, -1])
OVERLAPS = np.array([0.8, 0.6, 0.4, 0.7, 0.1, 0.0, 0.0, 0.0, 0.2, 0.0])


def test_all() -> None:
    assert sample_all(MATCHES).tolist() == [1, -1, -1, 1, -1, -1, -1, -1, -1, -1]


def test_the_hardest_become_background() -> None:
    hardness = np.array([9, 9, 1, 9, 2, 3, 4, 5, 6, 7.0])
    samples = mine_negatives(MATCHES, hardness, OVERLAPS, ratio=2)
    assert samples.tolist() == [1, 0, 0, 1, 0, 0, -1, -1, -1, -1]
    samples = mine_negatives(MATCHES, hardness, OVERLAPS, ratio=100)
    assert samples.tolist() == [1, 0, -1, 1, -1, -1, -1, -1, -1, -1]


def test_without_objects_some_background_is_left() -> None:
    nothing = np.full(10, -1)
    assert not mine_negatives(nothing, OVERLAPS, np.zeros(10)).any()
    samples = mine_negatives(nothing, np.arange(10.0), np.zeros(10), least=3)
    assert np.flatnonzero(samples == -1).tolist() == [7, 8, 9]


def test_quotas_hold_and_chance_is_given() -> None:
    rng = np.random.default_rng(0)
    matches = np.where(np.arange(200) < 50, 0, -1)
    overlaps = np.where(matches >= 0, 0.9, np.linspace(0, 0.45, 200))
    samples = sample_quota(matches, overlaps, rng, count=40, positive=0.25, below=(0.2, 0.4))
    assert (samples == 1).sum() == 10
    assert (samples == -1).sum() == 30
    background = overlaps[samples == -1]
    assert background.min() >= 0.2
    assert background.max() < 0.4
    again = sample_quota(
        matches, overlaps, np.random.default_rng(0), count=40, positive=0.25, below=(0.2, 0.4)
    )
    assert (samples == again).all()


def test_background_fills_what_objects_leave() -> None:
    samples = sample_quota(MATCHES, OVERLAPS, np.random.default_rng(0), count=8)
    assert np.flatnonzero(samples == 1).tolist() == [0, 1, 3]
    assert (samples == -1).sum() == 5
