from __future__ import annotations

import numpy as np
import pytest

from toolkit.data.vision import draw_heatmaps
from toolkit.data.vision.transforms import Window
from toolkit.deploy.pose import read_poses

SIZE = (64, 48)


def maps() -> np.ndarray:
    """Of two persons, in the middle and in the upper left corner."""
    joints = np.array([[24, 32, 2], [40, 48, 2]], float)
    return np.stack([draw_heatmaps(joints, SIZE)[0], draw_heatmaps(joints / 4, SIZE)[0]])


def test_joints_are_in_pixels_of_the_picture() -> None:
    first, second = read_poses([maps()], ["head", "hand"], 1)
    window = Window((100, 200), 96)  # two pixels to one
    pose = first[0].pose(window, (80, 180, 120, 220), SIZE)
    assert [(j.label, j.index, j.x, j.y) for j in pose.joints] == [
        ("head", 0, 100, 200),
        ("hand", 1, 132, 232),
    ]
    assert [joint.score for joint in pose.joints] == [1, 1]
    assert (pose.label, pose.score, pose.box) == ("person", 1, (80, 180, 120, 220))
    assert second[0].pose(window, (0, 0, 1, 1), SIZE).joints[0].x < 70


def test_a_pose_nobody_is_sure_of_scores_nothing() -> None:
    ((found,),) = read_poses([0.1 * maps()[:1]], None, 1)
    pose = found.pose(Window((0, 0), 48), (0, 0, 1, 1), SIZE)
    assert (pose.score, pose.joints[1].label) == (0, "joint 1")
    assert pose.joints[1].score == pytest.approx(0.1)


def test_what_is_no_pose_estimator_is_refused() -> None:
    with pytest.raises(ValueError, match=r"this network gave \(2, 5\)"):
        read_poses([np.zeros((2, 5))], None, 1)
    with pytest.raises(ValueError, match="1 labels for a network of 2 joints"):
        read_poses([maps()], ["head"], 1)
    with pytest.raises(ValueError, match="not a number"):
        read_poses([maps() * np.nan], None, 1)
