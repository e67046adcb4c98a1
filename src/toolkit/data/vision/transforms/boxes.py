"""Changes of a picture that move its boxes: ``(H, W, C)`` images, corners ``(R, 4)`` in pixels.

Each gives the new picture and the boxes in it. What cuts boxes off also says which of them are
left.
"""

from __future__ import annotations

import math

import numpy as np

from toolkit.data.vision.transforms.geometry import Size, height_width, resize
from toolkit.utils.boxes import clean, coverage

Pair = tuple[np.ndarray, np.ndarray]
GRAY = (124, 116, 104)  # ImageNet's mean colour: nothing, once it is normalized
TRIALS = 50
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)


def flip_boxes(boxes: np.ndarray, width: float) -> np.ndarray:
    """Boxes of the mirror image, left to right, of a picture of ``width``."""
    x0, y0, x1, y1 = boxes.T
    return np.stack([width - x1, y0, width - x0, y1], 1)


def flip_with_boxes(image: np.ndarray, boxes: np.ndarray, *, vertical: bool = False) -> Pair:
    """The mirror image, left to right or, with ``vertical``, upside down."""
    if vertical:
        turned = flip_boxes(boxes[:, [1, 0, 3, 2]], image.shape[0])[:, [1, 0, 3, 2]]
        return np.ascontiguousarray(image[::-1]), turned
    return np.ascontiguousarray(image[:, ::-1]), flip_boxes(boxes, image.shape[1])


def resize_with_boxes(
    image: np.ndarray, boxes: np.ndarray, size: Size, interpolation: str = "area"
) -> Pair:
    """Resizes to exactly ``size``, whatever the aspect."""
    height, width = height_width(size)
    scale = np.array([width / image.shape[1], height / image.shape[0]] * 2, np.float32)
    return resize(image, (height, width), interpolation), boxes * scale


def letterbox(
    image: np.ndarray,
    boxes: np.ndarray,
    size: Size,
    *,
    fill: tuple[int, ...] = GRAY,
    interpolation: str = "area",
) -> Pair:
    """Resizes to fit into ``size`` with the aspect kept, in the middle of plain colour."""
    height, width = height_width(size)
    scale = min(height / image.shape[0], width / image.shape[1])
    inner = max(round(image.shape[0] * scale), 1), max(round(image.shape[1] * scale), 1)
    image, boxes = resize_with_boxes(image, boxes, inner, interpolation)
    place = (height - inner[0]) // 2, (width - inner[1]) // 2
    return _laid(image, boxes, (height, width), place, fill)


def random_expand(
    image: np.ndarray,
    boxes: np.ndarray,
    rng: np.random.Generator,
    *,
    largest: float = 4.0,
    fill: tuple[int, ...] = GRAY,
) -> Pair:
    """Lays the picture somewhere on a larger plain one: Liu et al., 2015, 1512.02325, section 3.6.

    ``largest`` is the most that the sides grow by; both grow alike.
    """
    scale = rng.uniform(1.0, largest)
    size = int(image.shape[0] * scale), int(image.shape[1] * scale)
    place = tuple(int(rng.integers(a - b + 1)) for a, b in zip(size, image.shape, strict=False))
    return _laid(image, boxes, size, (place[0], place[1]), fill)


def crop_with_boxes(
    image: np.ndarray, boxes: np.ndarray, window: tuple[int, int, int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cuts out a window ``(x0, y0, x1, y1)``.

    Returns:
        The part as a view, all boxes ``(R, 4)`` cut to it, and which of them ``(R,)`` are left:
        those whose centre is within, and of which a pixel is.
    """
    x0, y0, x1, y1 = window
    moved = boxes - np.array([x0, y0, x0, y0], boxes.dtype)
    centers = (moved[:, :2] + moved[:, 2:]) / 2
    within = ((centers >= 0) & (centers < [x1 - x0, y1 - y0])).all(1)
    cut, left = clean(moved, y1 - y0, x1 - x0)
    return image[y0:y1, x0:x1], cut, within & left


def random_constrained_crop(
    image: np.ndarray,
    boxes: np.ndarray,
    rng: np.random.Generator,
    *,
    least: float = 0.3,
    aspect: float = 2.0,
    shares: tuple[float, ...] = SHARES,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A random part that holds enough of some object, or now and then the whole picture.

    The idea is of Liu et al., 2015, https://arxiv.org/abs/1512.02325, section 2.2. There a crop
    must overlap an object by a drawn IoU, which no crop does with small objects; here it must hold
    a drawn share of one.

    Args:
        image: ``(H, W, C)``.
        boxes: ``(R, 4)``.
        rng: Where chance comes from.
        least: Of each of the crop's sides over the picture's.
        aspect: The most that one of them is of the other.
        shares: Of an object's area that must be in the crop; one is drawn, or the whole picture.

    Returns:
        What ``crop_with_boxes`` does. Where there were objects, one is left.
    """
    height, width = image.shape[:2]
    whole = (0, 0, width, height)
    choice = int(rng.integers(len(shares) + 1))
    if choice == len(shares):
        return crop_with_boxes(image, boxes, whole)
    for _ in range(TRIALS):
        window = _window(height, width, rng, least=least, aspect=aspect)
        held = coverage(boxes, np.array([window], np.float32))[:, 0]
        result = crop_with_boxes(image, boxes, window)
        if not len(boxes) or (result[2] & (held >= shares[choice])).any():
            return result
    return crop_with_boxes(image, boxes, whole)


def _window(
    height: int, width: int, rng: np.random.Generator, *, least: float, aspect: float
) -> tuple[int, int, int, int]:
    scale = rng.uniform(least, 1.0)
    low, high = max(1 / aspect, scale**2), min(aspect, 1 / scale**2)
    root = math.sqrt(math.exp(rng.uniform(math.log(low), math.log(high))))
    h, w = max(int(height * scale / root), 1), max(int(width * scale * root), 1)
    y, x = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    return x, y, x + w, y + h


def _laid(
    image: np.ndarray,
    boxes: np.ndarray,
    size: tuple[int, int],
    place: tuple[int, int],
    fill: tuple[int, ...],
) -> Pair:
    """A picture with its upper left corner at ``place`` (row, column) of a plain one."""
    result = np.empty((*size, image.shape[2]), image.dtype)
    result[:] = np.asarray(fill, image.dtype)
    result[place[0] : place[0] + image.shape[0], place[1] : place[1] + image.shape[1]] = image
    return result, boxes + np.array([place[1], place[0]] * 2, boxes.dtype)
