"""From heat maps to the joints of persons in a picture; free of MXNet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.data.vision import pose_scores, read_heatmaps
from toolkit.data.vision.transforms import Window, move_points

Box = tuple[float, float, float, float]
REFINE = "quarter"  # as the published scores were reached


@dataclass(frozen=True)
class Joint:
    """One joint of a body."""

    label: str
    index: int
    score: float  # its heat, about 1 where it is sure
    x: float  # in pixels of the picture
    y: float


@dataclass(frozen=True)
class Pose:
    """The joints of one person in a picture, all of them, sure or not."""

    label: str  # what has these joints
    score: float  # mean of the joints' above 0.2, times that of the box where a detector found it
    box: Box  # x0, y0, x1, y1 in pixels
    joints: tuple[Joint, ...]


@dataclass(frozen=True, eq=False)
class JointMaps:
    """What a network says of the joints of one person."""

    maps: np.ndarray  # (J, h, w)
    labels: Sequence[str] | None

    def pose(self, window: Window, box: Box, size: tuple[int, int]) -> Pose:
        """The pose of the person in a window of a picture.

        Args:
            window: What the network saw,
            box: and around what, in pixels of the picture;
            size: height and width of what it saw.
        """
        cells, scores = read_heatmaps(self.maps, REFINE)
        strides = np.divide(size, self.maps.shape[1:])[::-1]  # of x and y
        places = move_points(cells * strides, window.inverse(size))
        joints = tuple(
            Joint(self._label(i), i, float(score), *map(float, place))
            for i, (score, place) in enumerate(zip(scores, places, strict=True))
        )
        return Pose("person", float(pose_scores(scores)), box, joints)

    def _label(self, index: int) -> str:
        return f"joint {index}" if self.labels is None else self.labels[index]


def read_poses(
    outputs: Sequence[np.ndarray], labels: Sequence[str] | None, top: int
) -> list[list[JointMaps]]:
    """The heat maps of each person, in a list of one.

    Args:
        outputs: What the network gave; the first is ``(N, J, h, w)``.
        labels: Names of the joints by index; one without a name is called ``joint 17``.
        top: Is not looked at: a person has one pose.

    Raises:
        ValueError: the network is no pose estimator, has another number of joints than labels, or
            gives heat that is not a number.
    """
    maps = outputs[0]
    if maps.ndim != 4:
        raise ValueError(
            f"a pose estimator gives heat maps (N, joints, h, w), this network gave {maps.shape}"
        )
    if labels is not None and len(labels) != maps.shape[1]:
        raise ValueError(f"{len(labels)} labels for a network of {maps.shape[1]} joints")
    if np.isnan(maps).any():
        raise ValueError("heat maps are not a number (NaN)")
    return [[JointMaps(one, labels)] for one in maps]
