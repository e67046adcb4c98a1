"""Non-maximum suppression in NumPy: the greedy one and the soft one of Bodla et al."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from toolkit.utils.boxes import area, iou

BLOCK = 256  # boxes that are compared with one another at once


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
    starts = np.zeros(min(len(order), 1), np.int64)
    if ids is not None:
        order = order[np.argsort(ids[order], kind="stable")]
        starts = np.append(starts, np.flatnonzero(np.diff(ids[order])) + 1)
    columns = np.stack([*boxes[order].T, area(boxes[order])])
    kept = [
        begin + _greedy(columns[:, begin:end], threshold)
        for begin, end in pairwise([*starts, len(order)])
    ]
    places = order[np.concatenate([starts[:0], *kept])]
    return places[np.argsort(-scores[places], kind="stable")]


def _greedy(columns: np.ndarray, threshold: float) -> np.ndarray:
    """Places of the boxes that stay, of rows x0, y0, x1, y1 and area with the best first.

    Block by block, lest all overlaps of many boxes be in memory at once.
    """
    places, kept = np.arange(columns.shape[1]), []
    while len(places):
        head, columns = columns[:, :BLOCK], columns[:, BLOCK:]
        best = _chain(_overlap(head, head, threshold))
        kept.append(places[best])
        places = places[BLOCK:]
        if len(places):
            stay = ~_overlap(head[:, best], columns, threshold).any(0)
            places, columns = places[stay], columns[:, stay]
    return np.concatenate(kept)


def _overlap(first: np.ndarray, second: np.ndarray, threshold: float) -> np.ndarray:
    """Whether IoUs ``(R, S)`` are above the threshold, of rows x0, y0, x1, y1 and area."""
    first = first[:, :, None]
    with np.errstate(invalid="ignore"):  # boxes without area are over none
        common, height = (
            np.minimum(first[axis + 2], second[axis + 2]) - np.maximum(first[axis], second[axis])
            for axis in (0, 1)
        )
        np.maximum(common, 0, out=common)
        common *= np.maximum(height, 0, out=height)
        union = np.add(first[4], second[4], out=height)
        union -= common
        return common / union > threshold


def _chain(overlap: np.ndarray) -> np.ndarray:
    """Places of the boxes that stay, of a table of overlaps with the best first."""
    alive = np.ones(len(overlap), bool)
    for index in np.flatnonzero(np.count_nonzero(overlap, axis=1) > 1):  # others than itself
        if alive[index]:
            alive[index + 1 :][overlap[index, index + 1 :]] = False
    return np.flatnonzero(alive)


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
