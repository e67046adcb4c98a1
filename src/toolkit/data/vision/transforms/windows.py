"""Parts of a picture that are cut out and resized at once, turned and mirrored where asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from toolkit.data.vision.transforms.geometry import Size, height_width
from toolkit.utils.boxes import BoxError


@dataclass(frozen=True)
class Window:
    """A part of a picture that becomes an image of some size, whose aspect it takes.

    It may lie beyond the picture's edges; what is beyond is black. Sizes are ``(height, width)`` of
    that image, or one number. The middle of the window comes to ``x = width / 2, y = height / 2``,
    where whole numbers are the middles of pixels, as published pose estimators have it: Xiao et
    al., 2018, https://arxiv.org/abs/1804.06208.

    Raises:
        ValueError: a width that is not above 0.
    """

    center: tuple[float, float]  # x, y in pixels of the picture
    width: float  # in pixels of the picture
    angle: float = 0.0  # degrees that the window is turned, clockwise
    mirrored: bool = False  # left to right

    def __post_init__(self) -> None:
        if not (math.isfinite(sum(self.center)) and 0 < self.width < math.inf):
            raise ValueError(f"a window has a middle and a width above 0, got {self}")

    @classmethod
    def around(cls, box: Sequence[float] | np.ndarray, size: Size, margin: float = 1.25) -> Window:
        """The window around a box, for an image of ``size``.

        Args:
            box: ``x0, y0, x1, y1`` in pixels.
            size: Of the image; the shorter side of the box grows to its aspect.
            margin: What the sides are then multiplied by.

        Raises:
            BoxError: the box has no area.
        """
        height, width = height_width(size)
        x0, y0, x1, y1 = (float(side) for side in box)
        if not (x1 > x0 and y1 > y0):
            sides = f"{x0:g}, {y0:g}, {x1:g}, {y1:g}"
            raise BoxError(f"a window is around a box with area, got {sides}")
        side = max(x1 - x0, (y1 - y0) * width / height)
        return cls(((x0 + x1) / 2, (y0 + y1) / 2), side * margin)

    def matrix(self, size: Size) -> np.ndarray:
        """From places in the picture to those in an image of ``size``: ``(2, 3)`` float64."""
        height, width = height_width(size)
        scale, angle = width / self.width, math.radians(self.angle)
        cos, sin = scale * math.cos(angle), scale * math.sin(angle)
        turn = np.array([[cos, sin], [-sin, cos]])
        if self.mirrored:
            turn[0] *= -1
        offset = np.array([width / 2, height / 2]) - turn @ np.array(self.center)
        return np.concatenate([turn, offset[:, None]], 1)

    def inverse(self, size: Size) -> np.ndarray:
        """From places in an image of ``size`` back to those in the picture: ``(2, 3)`` float64."""
        matrix = self.matrix(size)
        back = np.linalg.inv(matrix[:, :2])
        return np.concatenate([back, -back @ matrix[:, 2:]], 1)

    def cut(self, image: np.ndarray, size: Size) -> np.ndarray:
        """The image of ``size`` that becomes of it, bilinear; ``image`` is ``(H, W, C)``."""
        height, width = height_width(size)
        return cv2.warpAffine(image, self.matrix(size), (width, height), flags=cv2.INTER_LINEAR)


def move_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Places ``(..., P, 2)``, x and y, through matrices ``(..., 2, 3)``, float32."""
    turn, offset = matrix[..., :2], matrix[..., None, :, 2]
    return (points @ np.swapaxes(turn, -1, -2) + offset).astype(np.float32)
