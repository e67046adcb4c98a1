"""How far two runs of one network are apart; free of MXNet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Arrays = Sequence[np.ndarray]


def difference(found: Arrays, wanted: Arrays) -> float:
    """The largest difference of any output, over the largest value of that output.

    Detections, outputs of ids and scores ``(N, K, 1)``, corners ``(N, K, 4)`` and perhaps masks
    ``(N, K, ...)``, are compared row by row in the order that fits best: rows whose scores differ
    in the last digit may stand either way. Infinite where shapes, or what is finite, differ.
    """
    if [a.shape for a in found] != [a.shape for a in wanted]:
        return float("inf")
    if _are_detections(wanted):
        found = _reordered(found, wanted)
    return max(_one(a, b) for a, b in zip(found, wanted, strict=True))


def _one(found: np.ndarray, wanted: np.ndarray) -> float:
    if not np.isfinite(found).all() or not np.isfinite(wanted).all():
        return 0.0 if np.array_equal(found, wanted, equal_nan=True) else float("inf")
    if not wanted.size:
        return 0.0
    apart = np.abs(np.asarray(found, np.float64) - wanted).max()
    return float(apart / max(float(np.abs(wanted).max()), 1e-12))


def _are_detections(outputs: Arrays) -> bool:
    rows = {array.shape[:2] for array in outputs}
    return len(rows) == 1 and [a.shape[2:] for a in outputs[:3]] == [(1,), (1,), (4,)]


def _reordered(found: Arrays, wanted: Arrays) -> list[np.ndarray]:
    """The found rows, each where the wanted one is that it is nearest to."""
    scales = [max(float(np.abs(array).max()), 1e-12) for array in wanted]
    ours, theirs = (
        np.concatenate(
            [a.reshape(*a.shape[:2], -1) / s for a, s in zip(outputs, scales, strict=True)], axis=2
        )
        for outputs in (found, wanted)
    )
    places = np.empty(ours.shape[:2], np.int64)
    for image, (left, right) in enumerate(zip(ours, theirs, strict=True)):
        distances = np.abs(left[None] - right[:, None]).max(axis=2)
        for row in range(len(right)):  # best first; a row serves once
            places[image, row] = distances[row].argmin()
            distances[:, places[image, row]] = np.inf
    images = np.arange(len(places))[:, None]
    return [array[images, places] for array in found]
