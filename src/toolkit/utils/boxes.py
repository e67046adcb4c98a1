"""Pure functions on boxes, NumPy only: corners ``x0, y0, x1, y1`` in absolute pixels.

A box that has no area (inverted, of zero width or height, or with a NaN) overlaps nothing: its
area and its IoU with anything are 0. ``clean`` tells such boxes apart.
"""

from __future__ import annotations

import numpy as np


class BoxError(ValueError):
    """Boxes that are no boxes: of a wrong shape, inverted, without area, or not numbers."""


def as_boxes(boxes: object) -> np.ndarray:
    """Boxes as a float array ``(R, 4)``; an empty list is no boxes. Raises BoxError otherwise."""
    try:
        array = np.asarray(boxes, np.float32 if not isinstance(boxes, np.ndarray) else None)
    except (TypeError, ValueError) as error:
        raise BoxError(f"boxes are (R, 4) numbers x0, y0, x1, y1, got {boxes!r:.80}") from error
    if array.size == 0:
        return np.zeros((0, 4), np.float32)
    if array.ndim != 2 or array.shape[1] != 4:
        raise BoxError(f"boxes are (R, 4) numbers x0, y0, x1, y1, got the shape {array.shape}")
    return array if array.dtype.kind == "f" else array.astype(np.float32)


def area(boxes: np.ndarray) -> np.ndarray:
    """Areas ``(...)`` of boxes ``(..., 4)``; 0 for what is no box."""
    with np.errstate(invalid="ignore"):
        width, height = boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]
        return np.where((width > 0) & (height > 0), width * height, 0)


def intersection(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Common areas ``(R, S)`` of each of ``(R, 4)`` boxes with each of ``(S, 4)``."""
    if len(first) > len(second):  # long rows are fast
        return intersection(second, first).T
    with np.errstate(invalid="ignore"):
        sides = []
        columns = [np.ascontiguousarray(boxes.T) for boxes in (first, second)]
        for axis in (0, 1):  # one at a time: axes of two numbers are slow
            low = np.maximum.outer(columns[0][axis], columns[1][axis])
            side = np.minimum.outer(columns[0][axis + 2], columns[1][axis + 2])
            side -= low
            sides.append(np.fmax(side, 0, out=side))  # of NaN and 0 it is 0
        return sides[0] * sides[1]


def iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union ``(R, S)`` of boxes ``(R, 4)`` and ``(S, 4)``, in [0, 1]."""
    if len(first) > len(second):  # long rows are fast
        return iou(second, first).T
    areas = area(first), area(second)
    common = intersection(first, second)
    common[areas[0] <= 0] = 0
    common[:, areas[1] <= 0] = 0
    return _share(common, np.add.outer(*areas) - common)


def coverage(boxes: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """What share of each box ``(R, 4)`` lies in each region ``(S, 4)``: ``(R, S)`` in [0, 1]."""
    common, areas = intersection(boxes, regions), area(boxes)[:, None]
    common[areas[:, 0] <= 0] = 0
    return _share(common, areas)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """``part / whole``, 0 where the part is; of integers float64."""
    return part / np.where(whole > 0, whole, 1)


def to_center(boxes: np.ndarray) -> np.ndarray:
    """Corners ``(..., 4)`` as centre x, centre y, width, height."""
    sides = boxes[..., 2:] - boxes[..., :2]
    return np.concatenate([boxes[..., :2] + sides / 2, sides], -1)


def to_corners(boxes: np.ndarray) -> np.ndarray:
    """The inverse of ``to_center``."""
    half = boxes[..., 2:] / 2
    return np.concatenate([boxes[..., :2] - half, boxes[..., :2] + half], -1)


def to_xywh(boxes: np.ndarray) -> np.ndarray:
    """Corners ``(..., 4)`` as left, top, width, height: COCO's form."""
    return np.concatenate([boxes[..., :2], boxes[..., 2:] - boxes[..., :2]], -1)


def from_xywh(boxes: np.ndarray) -> np.ndarray:
    """The inverse of ``to_xywh``."""
    return np.concatenate([boxes[..., :2], boxes[..., :2] + boxes[..., 2:]], -1)


def clip(boxes: np.ndarray, height: float, width: float) -> np.ndarray:
    """Boxes ``(..., 4)`` with what lies out of the image cut off."""
    limits = np.array([width, height, width, height], boxes.dtype)
    return np.clip(boxes, 0, limits)


def clean(
    boxes: np.ndarray, height: float, width: float, *, min_side: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Clips boxes to their image and says which of them are worth keeping.

    Args:
        boxes: ``(R, 4)``.
        height: Of the image, in pixels.
        width: Of the image, in pixels.
        min_side: Least width and height in pixels after clipping.

    Returns:
        The clipped boxes ``(R, 4)`` and a mask ``(R,)``: False for boxes that hold NaN, are
        inverted, lie out of the image or are too small.
    """
    with np.errstate(invalid="ignore"):
        clipped = clip(boxes, height, width)
        sides = clipped[:, 2:] - clipped[:, :2]
        # NaN compares as False.
        return clipped, (sides >= min_side).all(1) & np.isfinite(boxes).all(1)
