"""Resizing, cropping and mirroring of (H, W) and (H, W, C) arrays."""

from __future__ import annotations

import math

import cv2
import numpy as np

from toolkit.utils.registry import unknown

INTERPOLATIONS = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,  # the mean of the pixels covered: no aliasing when shrinking
    "lanczos": cv2.INTER_LANCZOS4,
}
Size = int | tuple[int, int]  # (height, width), or one number for both


def height_width(size: Size) -> tuple[int, int]:
    """A size as (height, width); raises ValueError where it is not positive whole numbers."""
    pair = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
    if len(pair) != 2 or not all(isinstance(n, (int, np.integer)) and n >= 1 for n in pair):
        raise ValueError(f"size {size!r} is neither a whole number nor (height, width), above 0")
    return int(pair[0]), int(pair[1])


def resize(image: np.ndarray, size: Size, interpolation: str = "bilinear") -> np.ndarray:
    """Resizes to exactly ``size``, whatever the aspect; an image of that size is returned as is.

    As OpenCV and MXNet do it: of these interpolations only ``area`` smooths when shrinking.
    """
    height, width = height_width(size)
    if interpolation not in INTERPOLATIONS:
        raise ValueError(unknown("interpolation", interpolation, INTERPOLATIONS))
    if image.shape[:2] == (height, width):
        return image
    resized = cv2.resize(image, (width, height), interpolation=INTERPOLATIONS[interpolation])
    return resized.reshape(height, width, *image.shape[2:])


def resize_short(image: np.ndarray, short: int, interpolation: str = "bilinear") -> np.ndarray:
    """Resizes so that the shorter side is ``short``; the longer one is rounded down."""
    height, width = image.shape[:2]
    if height > width:
        return resize(image, (short * height // width, short), interpolation)
    return resize(image, (short, short * width // height), interpolation)


def size_within(size: tuple[int, int], short: int, longest: int) -> tuple[int, int]:
    """The size of a picture (height, width) whose shorter side becomes ``short``, aspect kept.

    It becomes less where the longer one would exceed ``longest``.
    """
    scale = min(short / min(size), longest / max(size))
    return max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)


def center_crop(image: np.ndarray, size: Size) -> np.ndarray:
    """The middle of an image, as a view; raises ValueError where the image is smaller."""
    height, width = _fitting(image, size)
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def pad(image: np.ndarray, margin: int, fill: int = 0) -> np.ndarray:
    """Adds ``margin`` pixels of the value ``fill`` on each side."""
    widths = [(margin, margin)] * 2 + [(0, 0)] * (image.ndim - 2)
    return np.pad(image, widths, constant_values=fill)


def random_crop(
    image: np.ndarray, size: Size, rng: np.random.Generator, *, padding: int = 0, fill: int = 0
) -> np.ndarray:
    """A crop of ``size`` from anywhere in the image, after ``padding`` on each side."""
    if padding:
        image = pad(image, padding, fill)
    height, width = _fitting(image, size)
    top = rng.integers(image.shape[0] - height + 1)
    left = rng.integers(image.shape[1] - width + 1)
    return image[top : top + height, left : left + width]


def random_resized_crop(
    image: np.ndarray,
    size: Size,
    rng: np.random.Generator,
    *,
    scale: tuple[float, float] = (0.08, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
    interpolation: str = "bilinear",
) -> np.ndarray:
    """A crop of random area and aspect, resized to ``size``: Szegedy et al., 2014, 1409.4842.

    Args:
        image: (H, W, C).
        size: of the result.
        rng: where chance comes from.
        scale: bounds of the crop's area over the image's.
        ratio: bounds of the crop's width over its height, drawn uniformly in the logarithm.
        interpolation: a name in ``INTERPOLATIONS``.
    """
    for _ in range(10):
        area = rng.uniform(*scale) * image.shape[0] * image.shape[1]
        aspect = math.exp(rng.uniform(math.log(ratio[0]), math.log(ratio[1])))
        crop = round(math.sqrt(area / aspect)), round(math.sqrt(area * aspect))
        if 0 < crop[0] <= image.shape[0] and 0 < crop[1] <= image.shape[1]:
            return resize(random_crop(image, crop, rng), size, interpolation)
    # A long and narrow image: the largest middle whose aspect is allowed.
    height, width = image.shape[:2]
    crop = min(height, round(width / ratio[0])), min(width, round(height * ratio[1]))
    return resize(center_crop(image, (max(crop[0], 1), max(crop[1], 1))), size, interpolation)


def random_flip(
    image: np.ndarray, rng: np.random.Generator, *, probability: float = 0.5
) -> np.ndarray:
    """The image, or with ``probability`` its mirror image, left to right."""
    return np.ascontiguousarray(image[:, ::-1]) if rng.random() < probability else image


def ten_crop(image: np.ndarray, size: Size) -> np.ndarray:
    """The middle and the four corners, then their mirror images: (10, height, width, C).

    The corners come as top left, bottom left, top right, bottom right: Krizhevsky et al., 2012.
    """
    height, width = _fitting(image, size)
    crops = np.stack(
        [
            center_crop(image, (height, width)),
            image[:height, :width],
            image[-height:, :width],
            image[:height, -width:],
            image[-height:, -width:],
        ]
    )
    return np.concatenate([crops, crops[:, :, ::-1]])


def _fitting(image: np.ndarray, size: Size) -> tuple[int, int]:
    height, width = height_width(size)
    if height > image.shape[0] or width > image.shape[1]:
        raise ValueError(
            f"cannot crop {height} x {width} from an image of {image.shape[0]} x "
            f"{image.shape[1]} (height x width); resize it or pad it first"
        )
    return height, width
