"""Draws what was found onto a picture."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from toolkit.utils.boxes import BoxError, as_boxes
from toolkit.utils.disk import atomic_write

GOLDEN = 0.618034  # hues this far apart stay apart, however many there are
FONT = cv2.FONT_HERSHEY_SIMPLEX


def class_color(index: int) -> tuple[int, int, int]:
    """A bright colour, RGB, that is a class's own."""
    red, green, blue = colorsys.hsv_to_rgb((0.02 + index * GOLDEN) % 1.0, 0.85, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)


def draw_objects(
    image: np.ndarray,
    boxes: np.ndarray | Sequence[Sequence[float]],
    ids: np.ndarray | Sequence[int],
    *,
    labels: Sequence[str] | Mapping[int, str] | None = None,
    scores: np.ndarray | Sequence[float] | None = None,
    masks: np.ndarray | None = None,
    least: float = 0.5,
    opacity: float = 0.4,
) -> np.ndarray:
    """Draws boxes with their names, and masks, onto a copy of a picture.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        boxes: ``(R, 4)`` corners in pixels of the picture; what is beyond it is cut off. Boxes
            that are not finite are passed over.
        ids: ``(R,)`` class indices; rows below 0 are filling.
        labels: Names of the classes, by index; default their numbers.
        scores: ``(R,)``; drawn with the names, those below ``least`` not at all.
        masks: ``(R, H, W)``, true where the object is.
        least: Least score of what is drawn.
        opacity: Of the masks, 0 to 1.

    Raises:
        BoxError: boxes are not ``(R, 4)``, or ids, scores or masks are not as many.
        ValueError: an image of another dtype or shape.
    """
    check_image(image)
    boxes, ids = as_boxes(boxes), np.asarray(ids).reshape(-1).astype(int)
    given = {"class indices": ids, "scores": scores, "masks": masks}
    for name, values in given.items():
        if values is not None and len(values) != len(boxes):
            raise BoxError(f"{len(boxes)} boxes have {len(values)} {name}")
    marks = None if scores is None else np.asarray(scores, np.float64).reshape(-1)
    shown = (ids >= 0) & np.isfinite(boxes).all(1)
    if marks is not None:
        shown &= marks >= least
    result = np.ascontiguousarray(image).copy()
    # The best is drawn last, over the others.
    order = np.flatnonzero(shown)
    order = order if marks is None else order[np.argsort(marks[order], kind="stable")]
    for row in order:
        color = class_color(int(ids[row]))
        if masks is not None:
            _tint(result, np.asarray(masks[row]) > 0, color, opacity)
        name = str(ids[row]) if labels is None else labels[ids[row]]
        text = name if marks is None else f"{name} {marks[row]:.2f}"
        _frame(result, boxes[row], text, color)
    return result


def draw_regions(
    image: np.ndarray,
    masks: np.ndarray | Sequence[np.ndarray],
    ids: np.ndarray | Sequence[int],
    *,
    labels: Sequence[str] | Mapping[int, str] | None = None,
    opacity: float = 0.5,
) -> np.ndarray:
    """Tints the regions of a copy of a picture, each in its class's colour, and names them.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        masks: ``(R, H, W)``, true where the region is.
        ids: ``(R,)`` class indices.
        labels: Names of the classes, by index; default none are written.
        opacity: Of the tint, 0 to 1.

    Raises:
        ValueError: an image of another dtype or shape, masks of another size, or not as many.
    """
    check_image(image)
    ids = np.asarray(ids).reshape(-1).astype(int)
    if len(masks) != len(ids):
        raise ValueError(f"{len(ids)} class indices have {len(masks)} masks")
    result = np.ascontiguousarray(image).copy()
    for mask in masks:
        if mask.shape != image.shape[:2]:
            raise ValueError(f"a mask of {mask.shape} for an image of {image.shape[:2]}")
    for mask, index in zip(masks, ids, strict=True):
        _tint(result, np.asarray(mask) > 0, class_color(int(index)), opacity)
    if labels is not None:
        for mask, index in zip(masks, ids, strict=True):
            _name(result, np.asarray(mask) > 0, labels[index], class_color(int(index)))
    return result


def _name(image: np.ndarray, mask: np.ndarray, text: str, color: tuple[int, ...]) -> None:
    """Writes a name where a region is widest, if it is as wide as the name is high."""
    padded = np.pad(mask.astype(np.uint8), 1)  # the edges of the picture are borders, too
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
    y, x = np.unravel_index(depth.argmax(), depth.shape)
    scale = max(min(mask.shape) / 1000, 0.35)
    thickness = max(round(2 * scale), 1)
    (wide, tall), _ = cv2.getTextSize(text, FONT, scale, thickness)
    if 2 * depth[y, x] < tall:
        return
    left = int(np.clip(x - wide // 2, 0, max(mask.shape[1] - wide, 0)))
    bottom = int(np.clip(y + tall // 2, tall, mask.shape[0]))
    for ink, width in (((0, 0, 0), thickness + 2), (color, thickness)):
        cv2.putText(image, text, (left, bottom), FONT, scale, ink, width, cv2.LINE_AA)


def check_image(image: np.ndarray) -> None:
    """Raises ValueError for what is not ``(H, W, 3)`` uint8."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"an image is (H, W, 3) uint8, not {image.shape} {image.dtype}")


def _tint(image: np.ndarray, mask: np.ndarray, color: tuple[int, ...], opacity: float) -> None:
    mixed = image[mask] * (1 - opacity) + np.array(color) * opacity
    image[mask] = np.rint(mixed).astype(np.uint8)


def _frame(image: np.ndarray, box: np.ndarray, text: str, color: tuple[int, ...]) -> None:
    """A rectangle, and the text on a plate above it, or in it where there is no room."""
    height, width = image.shape[:2]
    scale = max(min(height, width) / 1000, 0.35)
    thickness = max(round(2 * scale), 1)
    x0, y0, x1, y1 = np.rint(np.clip(box, 0, [width, height] * 2)).astype(int).tolist()
    cv2.rectangle(image, (x0, y0), (max(x1 - 1, x0), max(y1 - 1, y0)), color, thickness)
    (wide, tall), below = cv2.getTextSize(text, FONT, scale, thickness)
    bottom = y0 if y0 >= tall + below else y0 + tall + below
    cv2.rectangle(image, (x0, bottom - tall - below), (x0 + wide, bottom), color, cv2.FILLED)
    dark = (0, 0, 0)
    cv2.putText(image, text, (x0, bottom - below), FONT, scale, dark, thickness, cv2.LINE_AA)


def write_png(path: Path, image: np.ndarray) -> None:
    """Writes ``(H, W, 3)`` uint8 RGB as a PNG file, whole or not at all; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1]
    with atomic_write(path) as file:
        file.write(data.tobytes())
