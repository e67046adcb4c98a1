"""What a detector of centres is to predict: NumPy, for loader workers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from toolkit.utils.boxes import area, as_boxes, to_center

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def gaussian_radius(width: float, height: float, overlap: float = 0.7) -> float:
    """How far corners may be off so that a box still overlaps the true one by an IoU.

    Law and Deng, 2018, https://arxiv.org/abs/1808.01244, section 3.2. The least of three cases:
    both corners move alike, both inwards, both outwards.

    Args:
        width: Of the true box.
        height: Of the true box.
        overlap: That IoU, in (0, 1).
    """
    around, space = width + height, width * height
    alike = _smaller_root(1, around, space * (1 - overlap) / (1 + overlap))
    inwards = _smaller_root(4, 2 * around, space * (1 - overlap))
    outwards = -_smaller_root(4 * overlap, 2 * overlap * around, -space * (1 - overlap))
    return min(alike, inwards, outwards)


def _smaller_root(a: float, b: float, c: float) -> float:
    """The r nearest to zero of ``a * r ** 2 - b * r + c = 0``, for a and b above 0."""
    return (b - math.sqrt(b * b - 4 * a * c)) / (2 * a)


def draw_gaussian(heat: np.ndarray, column: int, row: int, radius: int) -> None:
    """Raises a map ``(H, W)`` to a bell around a cell, 1 in the middle, cut off at ``radius``.

    Its deviation is a third of its half width, ``(2 * radius + 1) / 6``.
    """
    offsets = np.arange(-radius, radius + 1)
    bell = np.exp(-(offsets**2) / (2 * ((2 * radius + 1) / 6) ** 2)).astype(heat.dtype)
    top, left = max(row - radius, 0), max(column - radius, 0)
    part = heat[top : row + radius + 1, left : column + radius + 1]
    rows = bell[top - row + radius :][: part.shape[0]]
    columns = bell[left - column + radius :][: part.shape[1]]
    np.maximum(part, rows[:, None] * columns, out=part)


@dataclass(frozen=True)
class CenterTargets:
    """Makes maps of an image's objects, as CenterNet has them.

    Each object makes its class's map a bell around the cell that holds its centre, and gives that
    cell its size and its place in the cell. Of two objects with one cell, the later one gives
    them. Objects without area, or with their centre out of the image, make none. Zhou et al.,
    2019, https://arxiv.org/abs/1904.07850, section 3.

    Raises:
        ValueError: a number is not what it must be.
    """

    classes: int
    size: tuple[int, int]  # height and width of the images
    stride: int = 4  # pixels to a cell
    overlap: float = 0.7  # IoU that boxes of cells within the bell's radius have at least

    def __post_init__(self) -> None:
        if self.classes < 1 or self.stride < 1 or min(self.size) < 1:
            raise ValueError(f"classes, size and stride must be at least 1, got {self}")
        if not 0 < self.overlap < 1:
            raise ValueError(f"overlap must be in (0, 1), got {self.overlap!r}")

    def __call__(self, boxes: np.ndarray, ids: np.ndarray) -> Arrays:
        """Makes the targets of one image.

        Args:
            boxes: ``(R, 4)`` corners in pixels of the image that the network sees; R may be 0.
            ids: ``(R,)`` class indices; rows below 0 are filling.

        Returns:
            Maps of centres ``(classes, H', W')``, 1 at centres; sizes ``(2, H', W')``, width and
            height in cells; offsets ``(2, H', W')``, x and y in the cell, in 0..1; a mask
            ``(1, H', W')`` of the cells with an object. All float32.

        Raises:
            BoxError: boxes are not ``(R, 4)``.
        """
        boxes, ids = as_boxes(boxes), np.asarray(ids).reshape(-1)
        grid = tuple(-(-side // self.stride) for side in self.size)
        heat = np.zeros((self.classes, *grid), np.float32)
        sizes, offsets = (np.zeros((2, *grid), np.float32) for _ in range(2))
        mask = np.zeros((1, *grid), np.float32)
        real = (area(boxes) > 0) & (ids >= 0)
        for (x, y, width, height), class_ in zip(
            to_center(boxes[real]) / self.stride, ids[real], strict=True
        ):
            column, row = math.floor(x), math.floor(y)
            if not (0 <= row < grid[0] and 0 <= column < grid[1]):
                continue
            radius = gaussian_radius(width, height, self.overlap)
            draw_gaussian(heat[int(class_)], column, row, int(radius))
            sizes[:, row, column] = width, height
            offsets[:, row, column] = x - column, y - row
            mask[0, row, column] = 1
        return heat, sizes, offsets, mask
