"""Arrays of all kinds to (H, W, 3) uint8 RGB."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {  # makes upright, by EXIF orientation
    2: lambda image: cv2.flip(image, 1),
    3: lambda image: cv2.rotate(image, cv2.ROTATE_180),
    4: lambda image: cv2.flip(image, 0),
    5: cv2.transpose,
    6: lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),
    7: lambda image: cv2.rotate(cv2.transpose(image), cv2.ROTATE_180),
    8: lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE),
}


class ImageError(ValueError):
    """A picture cannot be read; the message says which one and why."""


def array_to_rgb(array: np.ndarray, name: str) -> np.ndarray:
    """(H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of a usual dtype to (H, W, 3) uint8, contiguous.

    Raises:
        ImageError: another shape, dtype or range of values; ``name`` says whose.
    """
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        hint = ""
        if array.ndim == 3 and array.shape[0] in (1, 3, 4):
            hint = "; channels come last: array.transpose(1, 2, 0)"
        raise ImageError(
            f"{name} of shape {array.shape} is no image; allowed are (H, W), (H, W, 1), "
            f"(H, W, 3) and (H, W, 4){hint}"
        )
    array = _eight_bits(array, name)
    if array.shape[2] == 4:
        return over_white(array)
    return np.ascontiguousarray(array.repeat(3, axis=2) if array.shape[2] == 1 else array)


def _eight_bits(array: np.ndarray, name: str) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array * np.uint8(255)
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        return (array >> 8).astype(np.uint8)
    if array.dtype.kind not in "uif":
        raise ImageError(f"{name} has the dtype {array.dtype}; allowed are integers and floats")
    top = 1 if array.dtype.kind == "f" else 255
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= top):  # a NaN fails this too
        raise ImageError(
            f"{name} of dtype {array.dtype} has values from {low} to {high}; allowed are "
            f"0 to {top} (uint16 may use its whole range)"
        )
    return np.rint(array * 255.0).astype(np.uint8) if top == 1 else array.astype(np.uint8)


def over_white(rgba: np.ndarray) -> np.ndarray:
    """Lays (H, W, 4) uint8 over white, rounding to the nearest: (H, W, 3) uint8."""
    alpha = rgba[..., 3:].astype(np.uint32)
    return ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """Turns and mirrors (H, W, C) as an EXIF orientation says; unknown ones leave it as it is."""
    turn = TURNS.get(orientation)
    return turn(image) if turn else image
