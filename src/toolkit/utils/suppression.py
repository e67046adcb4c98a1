"""Non-maximum suppression in NumPy: the greedy one and the soft one of Bodla et al."""

from __future__ import annotations

import numpy as np

from toolkit.utils.boxes import iou


def suppress(
    boxes: np.ndarray, scores: np.ndarray, ids: np.ndarray | None = None, *, threshold: float = 0.45
) -> np.ndarray:
    """Keeps the best of boxes that overlap, greedily.

    Args:
        boxes: ``(R, 4)``.
        scores: ``(R,)``.
        ids: ``(R,)`` class indices, none suppresses a box of another; None: one class.
        threshold: A box whose IoU with a better kept one is larger goes.

    Returns:
        Places of the boxes that are kept, ``(K,)`` int64, the best first.
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    groups = [order] if ids is None else [order[ids[order] == i] for i in np.unique(ids)]
    for group in groups:
        kept.extend(_greedy(boxes[group], group, threshold))
    places = np.array(kept, np.int64)
    return places[np.argsort(-scores[places], kind="stable")]


def _greedy(boxes: np.ndarray, places: np.ndarray, threshold: float) -> np.ndarray:
    """Those of ``places`` that stay; ``boxes`` are theirs, the best first."""
    alive = np.ones(len(boxes), bool)
    overlaps = iou(boxes, boxes) > threshold
    for index in range(len(boxes)):
        if alive[index]:
            alive[index + 1 :] &= ~overlaps[index, index + 1 :]
    return places[alive]


def soften(
    boxes: np.ndarray,
    scores: np.ndarray,
    *,
    sigma: float = 0.5,
    threshold: float | None = None,
) -> np.ndarray:
    """Lowers the scores of boxes that overlap better ones: https://arxiv.org/abs/1704.04503.

    Args:
        boxes: ``(R, 4)`` of one class.
        scores: ``(R,)``.
        sigma: Width of the Gaussian decay ``exp(-IoU ** 2 / sigma)``.
        threshold: Decays linearly instead, by ``1 - IoU``, from this IoU on.

    Returns:
        The new scores ``(R,)``.
    """
    result = np.array(scores, np.float64)
    left = np.ones(len(boxes), bool)
    for _ in range(len(boxes)):
        best = int(np.argmax(np.where(left, result, -np.inf)))
        left[best] = False
        overlap = iou(boxes[best][None], boxes[left])[0]
        if threshold is None:
            result[left] *= np.exp(-(overlap**2) / sigma)
        else:
            result[left] *= np.where(overlap >= threshold, 1 - overlap, 1)
    return result
