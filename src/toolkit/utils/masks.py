"""Masks of objects, from those of their boxes to those of a picture; NumPy only."""

from __future__ import annotations

import numpy as np


def paste_masks(
    masks: np.ndarray, boxes: np.ndarray, size: tuple[int, int], *, threshold: float = 0.5
) -> np.ndarray:
    """Masks of a picture, of what a mask head says within boxes.

    Args:
        masks: ``(K, S, S)`` in [0, 1], of S cells each way over each box.
        boxes: ``(K, 4)`` corners in pixels of the picture.
        size: Height and width of the picture.
        threshold: What counts as the object, of the bilinear value at a pixel's centre.

    Returns:
        ``(K, H, W)`` bool; of boxes without area nothing.

    Raises:
        ValueError: there are not as many boxes as masks, or masks are not square.
    """
    if masks.ndim != 3 or masks.shape[1] != masks.shape[2] or boxes.shape != (len(masks), 4):
        raise ValueError(f"masks of {masks.shape} do not fit boxes of {boxes.shape}")
    result = np.zeros((len(masks), *size), bool)
    for mine, mask, (x0, y0, x1, y1) in zip(result, masks, boxes, strict=True):
        if not (x1 > x0 and y1 > y0):
            continue
        (top, rows), (left, columns) = (
            _weights(low, high, side, len(mask))
            for low, high, side in ((y0, y1, size[0]), (x0, x1, size[1]))
        )
        values = rows @ mask @ columns.T
        mine[top : top + len(rows), left : left + len(columns)] = values >= threshold
    return result


def _weights(low: float, high: float, side: int, cells: int) -> tuple[int, np.ndarray]:
    """The first pixel within, and what each of them ``(P, S)`` has of each cell."""
    first, last = max(int(np.ceil(low - 0.5)), 0), min(int(np.ceil(high - 0.5)), side)
    places = (np.arange(first, max(first, last)) + 0.5 - low) / (high - low) * cells - 0.5
    distance = np.abs(np.clip(places, 0, cells - 1)[:, None] - np.arange(cells))
    return first, np.maximum(1 - distance, 0).astype(np.float32)
