"""From uint8 images, channels last, to normalized float32 arrays, channels first, and back."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import cv2
import numpy as np


def normalize(
    image: np.ndarray,
    mean: Sequence[float] = (0.0, 0.0, 0.0),
    std: Sequence[float] = (1.0, 1.0, 1.0),
) -> np.ndarray:
    """(H, W, 3) or (N, H, W, 3) uint8 to (3, H, W) or (N, 3, H, W) float32.

    The result is ``(image / 255 - mean) / std``; without mean and std it lies in 0..1.

    Raises:
        ValueError: another dtype or shape.
    """
    if image.dtype != np.uint8 or image.ndim not in (3, 4) or image.shape[-1] != 3:
        raise ValueError(
            f"normalize takes (H, W, 3) or (N, H, W, 3) uint8, not {image.shape} {image.dtype}"
        )
    rows = image.reshape(-1, *image.shape[-2:])  # a batch is one tall image to OpenCV
    planes = np.empty((3, *rows.shape[:2]), np.float32)
    for channel, table, plane in zip(
        cv2.split(rows), _tables(tuple(mean), tuple(std)), planes, strict=True
    ):
        cv2.LUT(channel, table, dst=plane)
    if image.ndim == 3:
        return planes
    return np.ascontiguousarray(planes.reshape(3, *image.shape[:3]).transpose(1, 0, 2, 3))


def denormalize(
    array: np.ndarray,
    mean: Sequence[float] = (0.0, 0.0, 0.0),
    std: Sequence[float] = (1.0, 1.0, 1.0),
) -> np.ndarray:
    """The inverse of ``normalize``: (..., 3, H, W) float to (..., H, W, 3) uint8."""
    image = np.moveaxis(array, -3, -1) * np.asarray(std) + np.asarray(mean)
    return np.ascontiguousarray(np.clip(np.rint(image * 255), 0, 255).astype(np.uint8))


@functools.lru_cache(maxsize=64)
def _tables(mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
    """What each of the 256 values becomes in each channel: (3, 1, 256) float32.

    Looking values up gives the same numbers as computing them, in an eighth of NumPy's time.
    """
    if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
        raise ValueError(f"mean {mean} and std {std} must be three numbers each, std above 0")
    values = np.arange(256, dtype=np.float32)[None, None] / np.float32(255)
    mean_, std_ = (np.asarray(x, np.float32)[:, None, None] for x in (mean, std))
    return (values - mean_) / std_
