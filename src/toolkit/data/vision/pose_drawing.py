"""Draws the joints of persons and what joins them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from toolkit.data.vision.drawing import check_image, class_color
from toolkit.data.vision.heatmaps import SURE
from toolkit.utils.skeletons import COCO_PERSON

FINE = 16  # parts of a pixel that places are drawn to, as a power of two: 4 bits


def draw_poses(
    image: np.ndarray,
    joints: np.ndarray | Sequence[Any],
    scores: np.ndarray | Sequence[Any] | None = None,
    *,
    bones: Sequence[tuple[int, int]] = COCO_PERSON.bones,
    least: float = SURE,
) -> np.ndarray:
    """Draws poses onto a copy of a picture, each bone in a colour of its own, joints as dots.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        joints: ``(R, J, 2)``, x and y in pixels of the picture; those that are not finite are
            passed over.
        scores: ``(R, J)``; joints below ``least`` are not drawn, nor what they are joined to.
        bones: Pairs of joints that a line joins.
        least: Score of what is drawn.

    Raises:
        ValueError: an image of another dtype or shape, or numbers that do not fit.
    """
    check_image(image)
    result = np.ascontiguousarray(image).copy()
    places = np.asarray(joints, np.float64)
    if not places.size:
        return result
    if places.ndim != 3 or places.shape[2] != 2:
        raise ValueError(f"joints of poses are (R, J, 2), got {places.shape}")
    shown = np.isfinite(places).all(2)
    if scores is not None:
        if np.shape(scores) != shown.shape:
            raise ValueError(f"joints {places.shape} have scores of the shape {np.shape(scores)}")
        shown &= np.asarray(scores) >= least
    width = max(round(min(image.shape[:2]) / 200), 1)
    for pose, seen in zip(places, shown, strict=True):
        _draw(result, np.where(seen[:, None], pose, 0), seen, bones, width)
    return result


def _draw(
    image: np.ndarray,
    pose: np.ndarray,
    seen: np.ndarray,
    bones: Sequence[tuple[int, int]],
    width: int,
) -> None:
    # Far beyond the picture, where OpenCV's whole numbers end, nothing is seen of a line anyway.
    limit = 4 * max(image.shape)
    points = np.rint(np.clip(pose, -limit, limit) * FINE).astype(int).tolist()
    options = {"lineType": cv2.LINE_AA, "shift": 4}
    for place, (first, second) in enumerate(bones):
        if seen[first] and seen[second]:
            ends = points[first], points[second]
            cv2.line(image, *ends, class_color(place), width + 1, **options)
    for point in np.array(points)[seen].tolist():
        cv2.circle(image, point, (width + 1) * FINE, (255, 255, 255), cv2.FILLED, **options)
        cv2.circle(image, point, width * FINE, (0, 0, 0), cv2.FILLED, **options)
