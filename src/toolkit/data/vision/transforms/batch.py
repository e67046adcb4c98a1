"""Augmentation of whole batches of small images, (N, H, W, C), without a Python loop."""

from __future__ import annotations

import numpy as np


def random_crop_batch(
    images: np.ndarray, rng: np.random.Generator, *, padding: int = 4, fill: int = 0
) -> np.ndarray:
    """Pads each side and crops each image back to its size at a place of its own."""
    count, height, width, channels = images.shape
    margins = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    padded = np.pad(images, margins, constant_values=fill)
    # All crops of an image as a view; rows joined with channels so that copies run along memory.
    rows = padded.reshape(count, height + 2 * padding, -1)
    shape = (height, width * channels)
    windows = np.lib.stride_tricks.sliding_window_view(rows, shape, axis=(1, 2))  # type: ignore[call-overload]
    top, left = rng.integers(2 * padding + 1, size=(2, count))
    return windows[np.arange(count), top, left * channels].reshape(images.shape)


def random_flip_batch(
    images: np.ndarray, rng: np.random.Generator, *, probability: float = 0.5
) -> np.ndarray:
    """Mirrors each image left to right with ``probability``."""
    mirrored = rng.random(len(images)) < probability
    flipped = images.copy()
    flipped[mirrored] = images[mirrored][:, :, ::-1]
    return flipped
