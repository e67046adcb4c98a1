"""Mixes the images of a batch with each other, and their labels with them."""

from __future__ import annotations

import math

import numpy as np

Batch = tuple[np.ndarray, np.ndarray]


def mixup(batch: Batch, rng: np.random.Generator, *, classes: int, alpha: float = 0.2) -> Batch:
    """Weighted means of pairs of images: Zhang et al., 2017, https://arxiv.org/abs/1710.09412.

    Args:
        batch: images, (N, C, H, W) or (N, H, W, C) of float, and class indices, (N,).
        rng: where chance comes from.
        classes: number of classes, L.
        alpha: of the Beta distribution of the weights; small ones leave most images nearly alone.

    Returns:
        Images of the same shape, and the share of each class in them, (N, L) float32.

    Raises:
        ValueError: integer images, labels that are no class indices, or an alpha not above 0.
    """
    images, labels = batch
    if images.dtype.kind != "f":
        raise ValueError(f"mixup takes images of float, not {images.dtype}: normalize them first")
    weights, partners = _drawn(len(images), rng, alpha)
    weights = weights.astype(images.dtype).reshape(-1, *[1] * (images.ndim - 1))
    mixed = weights * images + (1 - weights) * images[partners]
    return mixed, _mixed_labels(labels, weights.reshape(-1, 1), partners, classes)


def mixup_boxes(
    batch: tuple[np.ndarray, ...], rng: np.random.Generator, *, alpha: float = 1.5
) -> tuple[np.ndarray, ...]:
    """Weighted means of pairs of images, with the objects of both: Zhang et al., 2019, 1902.04103.

    Args:
        batch: images ``(N, C, H, W)`` of float, then what is known of their objects, ``(N, R,
            ...)`` each: boxes, class indices (below 0 for filling), and whatever more.
        rng: where chance comes from.
        alpha: of the Beta distribution of the weights; large ones mix nearly evenly.

    Returns:
        Images of the same shape, the objects ``(N, 2 R, ...)``, and each object's share of its
        image ``(N, 2 R)`` float32, 0 for filling.

    Raises:
        ValueError: integer images, or an alpha not above 0.
    """
    images, *objects = batch
    if images.dtype.kind != "f":
        raise ValueError(f"mixup takes images of float, not {images.dtype}: normalize them first")
    weights, partners = _drawn(len(images), rng, alpha)
    weights = weights.astype(np.float32)
    own = weights.reshape(-1, 1, 1, 1)
    mixed = own * images + (1 - own) * images[partners]
    both = [np.concatenate([field, field[partners]], 1) for field in objects]
    rows = objects[1].shape[1]
    shares = np.repeat(np.stack([weights, 1 - weights], 1), rows, 1)
    return mixed, *both, shares * (both[1] >= 0)


def cutmix(batch: Batch, rng: np.random.Generator, *, classes: int, alpha: float = 1.0) -> Batch:
    """Puts a box of another image into each: Yun et al., 2019, https://arxiv.org/abs/1905.04899.

    Args:
        batch: images, (N, C, H, W) of any dtype, and class indices, (N,).
        rng: where chance comes from.
        classes: number of classes, L.
        alpha: of the Beta distribution of the share that an image keeps.

    Returns:
        Images of the same shape, and the share of each class in them, (N, L) float32.

    Raises:
        ValueError: images of another rank, labels that are no class indices, or an alpha not
            above 0.
    """
    images, labels = batch
    if images.ndim != 4:
        raise ValueError(f"cutmix takes images of shape (N, C, H, W), not {images.shape}")
    height, width = images.shape[2:]
    weights, partners = _drawn(len(images), rng, alpha)
    mixed, kept = images.copy(), np.empty((len(images), 1), np.float32)
    for index, (weight, partner) in enumerate(zip(weights, partners, strict=True)):
        side = math.sqrt(1 - weight)
        rows = _around(rng.integers(height), side * height, height)
        columns = _around(rng.integers(width), side * width, width)
        mixed[index, :, rows, columns] = images[partner, :, rows, columns]
        area = (rows.stop - rows.start) * (columns.stop - columns.start)
        kept[index] = 1 - area / (height * width)
    return mixed, _mixed_labels(labels, kept, partners, classes)


def _drawn(count: int, rng: np.random.Generator, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """What each image keeps of itself, and where the rest comes from."""
    if not alpha > 0:
        raise ValueError(f"alpha must be above 0, got {alpha!r}")
    return rng.beta(alpha, alpha, count), rng.permutation(count)


def _mixed_labels(
    labels: np.ndarray, weights: np.ndarray, partners: np.ndarray, classes: int
) -> np.ndarray:
    if labels.ndim != 1 or not (labels.min() >= 0 and labels.max() < classes):
        raise ValueError(f"labels must be class indices (N,) below {classes}, got {labels!r}")
    own = np.eye(classes, dtype=np.float32)[labels.astype(np.int64)]
    weights = weights.astype(np.float32)
    return weights * own + (1 - weights) * own[partners]


def _around(center: int, length: float, size: int) -> slice:
    """``length`` pixels around ``center``, cut where they leave the image."""
    start = round(center - length / 2)
    return slice(max(start, 0), min(start + round(length), size))
