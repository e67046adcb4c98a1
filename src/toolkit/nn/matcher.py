"""Which object is an anchor's: NumPy on the IoU of each anchor with each object.

A matching is ``(A,)`` int64: the object's place for each of A anchors, -1 for none. The IoU is
``(A, B)`` for B objects; with B = 0 nothing matches.
"""

from __future__ import annotations

import numpy as np

EPSILON = 1e-12  # overlaps of no more than this match nothing


def match_maximum(overlaps: np.ndarray, threshold: float) -> np.ndarray:
    """Each anchor takes the object it overlaps most, where that is at least ``threshold``."""
    if not overlaps.shape[1]:
        return np.full(len(overlaps), -1)
    best = overlaps.argmax(1)
    return np.where(overlaps[np.arange(len(best)), best] >= threshold, best, -1)


def match_best(overlaps: np.ndarray) -> np.ndarray:
    """Each anchor that overlaps some object as much as any does takes the one it overlaps most.

    That object need not be the one: Ren et al., 2015, https://arxiv.org/abs/1506.01497, 3.1.2.
    Objects that no anchor overlaps choose none.
    """
    if not overlaps.size:
        return np.full(len(overlaps), -1)
    largest = overlaps.max(0)
    chosen = ((overlaps + EPSILON >= largest) & (largest > EPSILON)).any(1)
    return np.where(chosen, overlaps.argmax(1), -1)


def match_bipartite(overlaps: np.ndarray, *, ties: bool = True) -> np.ndarray:
    """Pairs objects with anchors one to one, the largest overlap first.

    Args:
        overlaps: ``(A, B)``.
        ties: An anchor whose own best object has no better anchor takes it too, though another
            anchor that overlaps as much was paired with it.
    """
    result = np.full(len(overlaps), -1)
    if not overlaps.size:
        return result
    left = overlaps.T.copy()  # by object, so that a row is contiguous
    best = left.argmax(1)
    values = left[np.arange(len(best)), best]
    largest = values.copy()
    for _ in range(min(overlaps.shape)):
        one = int(values.argmax())
        if values[one] <= EPSILON:
            break
        anchor = best[one]
        result[anchor] = one
        values[one] = -1.0
        left[:, anchor] = -1.0
        for other in np.flatnonzero((best == anchor) & (values > EPSILON)):
            best[other] = left[other].argmax()
            values[other] = left[other, best[other]]
    if ties:
        own = overlaps.argmax(1)
        top = overlaps[np.arange(len(own)), own]
        equal = (top > EPSILON) & (top + EPSILON >= largest[own])
        result = compose(result, np.where(equal, own, -1))
    return result


def compose(*matches: np.ndarray) -> np.ndarray:
    """What the first matching leaves without an object is matched as the next one says."""
    result = matches[0]
    for match in matches[1:]:
        result = np.where(result >= 0, result, match)
    return result
