from __future__ import annotations

import numpy as np
import pytest

from toolkit.data.vision import draw_poses
from toolkit.data.vision.drawing import class_color

POSE = np.array([[[10, 10], [50, 10], [50, 50]]], float)
BONES = ((0, 1), (1, 2))


def plain() -> np.ndarray:
    return np.full((60, 70, 3), 90, np.uint8)


def test_bones_have_colours_of_their_own_and_joints_are_dots() -> None:
    image = plain()
    drawn = draw_poses(image, POSE, bones=BONES)
    assert (image == 90).all()
    assert drawn[10, 30].tolist() == list(class_color(0))
    assert drawn[30, 50].tolist() == list(class_color(1))
    assert all(drawn[y, x].tolist() == [0, 0, 0] for x, y in POSE[0].astype(int))
    assert (drawn[30, 30] == 90).all()


def test_what_is_not_sure_is_not_drawn() -> None:
    drawn = draw_poses(plain(), POSE, [[0.9, 0.9, 0.1]], bones=BONES)
    assert (drawn[10, 30] != 90).any()
    assert (drawn[20:] == 90).all()
    everything = draw_poses(plain(), POSE, [[0.9, 0.9, 0.1]], bones=BONES, least=0)
    assert (everything[50, 50] == 0).all()


def test_joints_may_be_anywhere() -> None:
    far = POSE.copy()
    far[0, 1], far[0, 2] = (1e12, 10), (np.nan, 5)
    drawn = draw_poses(plain(), far, bones=BONES)
    assert (drawn[10, 60] != 90).any()  # towards the one beyond the edge
    assert (drawn[40:] == 90).all()


def test_nobody_leaves_the_picture_as_it_is() -> None:
    assert (draw_poses(plain(), [], []) == 90).all()


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(ValueError, match=r"joints of poses are \(R, J, 2\), got \(3, 2\)"):
        draw_poses(plain(), POSE[0])
    with pytest.raises(ValueError, match=r"have scores of the shape \(1, 2\)"):
        draw_poses(plain(), POSE, [[1, 1]])
    with pytest.raises(ValueError, match=r"an image is \(H, W, 3\) uint8"):
        draw_poses(plain()[..., 0], POSE)
