"""What networks of each task see of pictures, and what their outputs mean; free of MXNet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.data.vision import ImagePreset, read_image
from toolkit.data.vision.poses import MARGIN
from toolkit.data.vision.transforms import Window
from toolkit.deploy.classification import classify
from toolkit.deploy.detection import Detection, detect
from toolkit.deploy.pose import Box, JointMaps, Pose, read_poses
from toolkit.deploy.segmentation import PixelScores, Region, segment


@dataclass(frozen=True)
class Person:
    """A picture, and the box around the person in it that is looked at."""

    image: np.ndarray  # (H, W, 3) uint8 RGB
    box: Sequence[float]


@dataclass(frozen=True, eq=False)
class Seen:
    """What a network sees of a picture."""

    pixels: np.ndarray  # (3, height, width)
    size: tuple[int, int]  # height and width of the picture
    window: Window | None = None  # of the picture, where that is what is seen,
    box: Box = (0, 0, 0, 0)  # and what it is around

    @property
    def scale(self) -> tuple[float, float]:
        """Of x and y, back to the picture."""
        return self.size[1] / self.pixels.shape[2], self.size[0] / self.pixels.shape[1]


def see_all(source: Any, preset: ImagePreset) -> Seen:
    """A picture, as ``read_image`` takes it, as its preset has it."""
    image = read_image(source)
    return Seen(preset(image), image.shape[:2])


def see_person(source: Any, preset: ImagePreset) -> Seen:
    """The person in a box, or the one that a whole picture is of, in the middle of the window."""
    if isinstance(source, Person):
        image, margin = source.image, MARGIN
        x0, y0, x1, y1 = map(float, source.box)
    else:
        image, margin = read_image(source), 1.0
        x0, y0, x1, y1 = 0.0, 0.0, float(image.shape[1]), float(image.shape[0])
    height, width = image.shape[:2]
    window = Window.around((x0, y0, x1, y1), preset.size, margin)
    pixels = preset(window.cut(image, preset.size))
    return Seen(pixels, (height, width), window, (x0, y0, x1, y1))


@dataclass(frozen=True)
class Reading:
    """What the outputs of a task mean."""

    # From outputs, labels and the most results of a picture to what was read of each.
    read: Callable[[Sequence[np.ndarray], Sequence[str] | None, int], list[list[Any]]]
    top: int  # results of a picture, unless told otherwise
    # What results are: classes of the picture, objects in it, its regions, poses of persons.
    kind: str = "classes"
    batch: int = 16  # pictures at once, unless told otherwise
    # From one thing that was read to results in pixels of the picture.
    place: Callable[[Any, Seen], list[Any]] = lambda one, _: [one]
    see: Callable[[Any, ImagePreset], Seen] = see_all

    @property
    def places(self) -> bool:
        """Whether results are in places of the picture."""
        return self.kind != "classes"


def _object(one: Detection, seen: Seen) -> list[Detection]:
    return [one.scaled(*seen.scale)]


def _regions(one: PixelScores, seen: Seen) -> list[Region]:
    return one.regions(*seen.size)


def _pose(one: JointMaps, seen: Seen) -> list[Pose]:
    if seen.window is None:
        raise TypeError("a pose is of a person in a window")
    height, width = seen.pixels.shape[1:]
    return [one.pose(seen.window, seen.box, (height, width))]


_BOXES = Reading(detect, 100, "objects", place=_object)
READINGS: Mapping[str, Reading] = {
    "image_classifier": Reading(classify, 5),
    "ssd": _BOXES,
    "yolo3": _BOXES,
    "center_net": _BOXES,
    "faster_rcnn": _BOXES,
    "mask_rcnn": _BOXES,  # masks are passed over
    # Scores of every pixel and class take much memory: 180 MB for a picture of 150 classes.
    "segmenter": Reading(segment, 10, "regions", batch=1, place=_regions),
    "pose_estimator": Reading(read_poses, 1, "poses", place=_pose, see=see_person),
}
