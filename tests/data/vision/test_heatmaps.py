"""Heat maps are drawn where joints are, and read where they were drawn."""

from __future__ import annotations

import numpy as np
import pytest

from toolkit.data.vision import draw_heatmaps, flip_heatmaps, pose_scores, read_heatmaps

SIZE = (96, 64)
JOINTS = np.array([[20.0, 40.0, 2], [33.3, 61.1, 1], [50.0, 12.0, 0], [300.0, 20.0, 2]])


def test_a_bell_is_around_the_nearest_cell_of_each_joint() -> None:
    maps, weights = draw_heatmaps(JOINTS, SIZE)
    assert (maps.shape, maps.dtype, weights.tolist()) == ((4, 24, 16), np.float32, [1, 1, 0, 0])
    assert [np.unravel_index(one.argmax(), one.shape) for one in maps[:2]] == [(10, 5), (15, 8)]
    assert maps[0, 10, 5] == maps[1, 15, 8] == 1
    assert maps[0, 10, 7] == pytest.approx(np.exp(-0.5))
    assert (maps[0, 10, 11] > 0, maps[0, 10, 12]) == (True, 0)  # cut off at three deviations
    assert not maps[2:].any()


def test_an_exact_bell_is_around_the_place() -> None:
    maps, _ = draw_heatmaps(JOINTS, SIZE, stride=2, deviation=3, exact=True)
    assert maps.shape == (4, 48, 32)
    assert maps[1, 31, 17] == pytest.approx(np.exp(-(0.45**2 + 0.35**2) / 18), rel=1e-5)


def test_a_bell_that_reaches_into_the_map_counts() -> None:
    edge = np.array([[-20.0, 40.0, 2], [-28.0, 40.0, 2], [66.0, 97.0, 2]])
    maps, weights = draw_heatmaps(edge, SIZE)
    assert weights.tolist() == [1, 0, 1]
    assert maps[0, 10, 0] > 0


@pytest.mark.parametrize(
    ("refine", "exact", "most"),
    [("none", False, 0.72), ("quarter", True, 0.45), ("dark", True, 0.02)],
)
def test_places_are_found_to_a_part_of_a_cell(refine: str, exact: bool, most: float) -> None:
    rng = np.random.default_rng(0)
    joints = np.concatenate([rng.uniform(32, 96, (50, 2)), np.full((50, 1), 2)], 1)
    maps, _ = draw_heatmaps(joints, 128, exact=exact)
    places, scores = read_heatmaps(maps[None], refine)
    assert (places.shape, scores.shape) == ((1, 50, 2), (1, 50))
    away = np.linalg.norm(places[0] * 4 - joints[:, :2], axis=1) / 4
    assert away.max() < most
    assert scores.min() > 0.85


def test_the_quarter_is_towards_the_higher_neighbour() -> None:
    one = np.zeros((5, 6), np.float32)
    one[2, 3], one[2, 2], one[3, 3] = 1, 0.5, 0.2
    places, score = read_heatmaps(one)
    assert (places.tolist(), float(score)) == ([2.75, 2.25], 1)


@pytest.mark.parametrize("refine", ["none", "quarter", "dark"])
def test_at_the_edge_nothing_is_refined(refine: str) -> None:
    maps = np.zeros((2, 5, 6), np.float32)
    maps[0, 0, 3] = maps[1, 2, 5] = 1
    places, _ = read_heatmaps(maps, refine)
    assert places.tolist() == [[3, 0], [5, 2]]


def test_a_plain_is_no_peak() -> None:
    places, _ = read_heatmaps(np.ones((1, 9, 9), np.float32), "dark")
    assert np.isfinite(places).all()
    maps = np.zeros((1, 9, 9), np.float32)
    maps[0, 4, 2:7] = 1  # a ridge
    places, _ = read_heatmaps(maps, "dark")
    assert np.abs(places - [2, 4]).max() <= 1


def test_an_unknown_refinement_is_told() -> None:
    with pytest.raises(ValueError, match=r"unknown refinement 'half'.*quarter"):
        read_heatmaps(np.zeros((1, 4, 4)), "half")


def test_what_is_seen_in_a_mirror_is_turned_back() -> None:
    joints = np.array([[21.0, 40.0, 2], [44.0, 20.0, 2], [8.0, 8.0, 2]])
    maps, _ = draw_heatmaps(joints, SIZE)
    seen = joints.copy()
    seen[:, 0] = SIZE[1] - 1 - seen[:, 0]
    mirrored, _ = draw_heatmaps(seen[[1, 0, 2]], SIZE)
    found = flip_heatmaps(mirrored[None], [1, 0, 2])
    places, _ = read_heatmaps(found, "none")
    np.testing.assert_array_equal(places[0], read_heatmaps(maps, "none")[0])
    plain = flip_heatmaps(mirrored, [1, 0, 2], shift=False)
    np.testing.assert_array_equal(plain[..., :-1], found[0, ..., 1:])
    with pytest.raises(ValueError, match="2 joints in a mirror for heat maps"):
        flip_heatmaps(maps, [1, 0])


def test_a_pose_is_as_sure_as_its_sure_joints() -> None:
    scores = np.array([[0.9, 0.5, 0.1], [0.1, 0.1, 0.2]])
    assert pose_scores(scores).tolist() == [pytest.approx(0.7), 0]
    assert pose_scores(scores[0], 0.6) == pytest.approx(0.9)
