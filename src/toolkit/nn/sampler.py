"""Which anchors a detector learns from: 1 as an object, -1 as background, 0 not at all."""

from __future__ import annotations

import numpy as np


def sample_all(matches: np.ndarray) -> np.ndarray:
    """Every anchor: matched ones as objects, the others as background. ``(A,)`` int8."""
    return np.where(matches >= 0, 1, -1).astype(np.int8)


def mine_negatives(
    matches: np.ndarray,
    hardness: np.ndarray,
    overlaps: np.ndarray,
    *,
    ratio: float = 3.0,
    threshold: float = 0.5,
    least: int = 0,
) -> np.ndarray:
    """All objects, and as background only what is hardest: https://arxiv.org/abs/1604.03540.

    Args:
        matches: ``(A,)``, -1 for none.
        hardness: ``(A,)``, such as the loss of each anchor as background.
        overlaps: ``(A,)``, the largest IoU of each anchor with any object.
        ratio: Anchors taken as background for each taken as an object.
        threshold: Anchors that overlap an object by this much are never background.
        least: Anchors taken as background where there are fewer objects or none.
    """
    result = np.where(matches >= 0, 1, 0).astype(np.int8)
    free = np.flatnonzero((matches < 0) & (overlaps < threshold))
    count = min(len(free), max(least, int(ratio * (matches >= 0).sum())))
    result[free[np.argsort(-hardness[free], kind="stable")[:count]]] = -1
    return result


def sample_quota(
    matches: np.ndarray,
    overlaps: np.ndarray,
    rng: np.random.Generator,
    *,
    count: int,
    positive: float = 0.5,
    above: float = 0.5,
    below: tuple[float, float] = (0.0, 0.5),
) -> np.ndarray:
    """At most ``count`` anchors, drawn at random, a share of them objects.

    Args:
        matches: ``(A,)``, -1 for none: what is matched may be taken as an object.
        overlaps: ``(A,)``, the largest IoU of each anchor with any object.
        rng: Where chance comes from.
        count: Anchors in all; background fills what objects leave.
        positive: Largest share of objects.
        above: What overlaps this much may be taken as an object though it is not matched.
        below: What overlaps at least the first and less than the second may be background.
    """
    objects = (matches >= 0) | (overlaps >= above)
    background = ~objects & (overlaps >= below[0]) & (overlaps < below[1])
    result = np.zeros(len(matches), np.int8)
    chosen = _draw(np.flatnonzero(objects), round(positive * count), rng)
    result[chosen] = 1
    result[_draw(np.flatnonzero(background), count - len(chosen), rng)] = -1
    return result


def _draw(places: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    return places if len(places) <= count else rng.choice(places, count, replace=False)
