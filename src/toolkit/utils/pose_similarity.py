"""How alike poses are, and the best of those that are too much so; NumPy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.utils.skeletons import COCO_PERSON


def oks(
    first: np.ndarray,
    second: np.ndarray,
    areas: np.ndarray,
    *,
    deviations: Sequence[float] | None = None,
    seen: np.ndarray | None = None,
) -> np.ndarray:
    """Similarities of joints (OKS), in [0, 1]: https://cocodataset.org/#keypoints-eval.

    Args:
        first: ``(K, J, 2)``, x and y in pixels.
        second: ``(M, J, 2)``.
        areas: Of the bodies of ``second``, ``(M,)`` in pixels, or for each pair ``(K, M)``.
        deviations: Of each joint, as ``Skeleton.deviations``; default those of COCO's persons.
        seen: ``(M, J)``, joints of ``second`` that count; default all. A pose without is like none.

    Returns:
        ``(K, M)``.

    Raises:
        ValueError: joints are not as many as deviations.
    """
    widths = 2 * np.array(COCO_PERSON.deviations if deviations is None else deviations)
    if first.shape[1:] != (len(widths), 2) or second.shape[1:] != (len(widths), 2):
        raise ValueError(
            f"poses (K, {len(widths)}, 2) have as many joints as deviations, got {first.shape} and "
            f"{second.shape}"
        )
    squares = ((first[:, None].astype(np.float64) - second[None]) ** 2).sum(-1)
    sizes = np.broadcast_to(areas, squares.shape[:2])[..., None] + np.spacing(1)
    alike = np.exp(-squares / (2 * widths**2 * sizes))
    counted = np.ones(second.shape[:2], bool) if seen is None else seen
    return (alike * counted).sum(-1) / np.maximum(counted.sum(-1), 1)


def suppress_poses(
    joints: np.ndarray,
    scores: np.ndarray,
    areas: np.ndarray,
    *,
    threshold: float = 0.9,
    deviations: Sequence[float] | None = None,
) -> np.ndarray:
    """Keeps the best of poses that are alike, greedily, as COCO's entries do.

    Args:
        joints: ``(K, J, 2)``, of one picture.
        scores: ``(K,)``.
        areas: Of the bodies or their boxes, ``(K,)`` in pixels; of a pair its mean counts.
        threshold: A pose whose similarity with a better kept one is larger goes.
        deviations: As of ``oks``.

    Returns:
        Places of those that are kept, int64, the best first.
    """
    areas = np.asarray(areas, np.float64)
    pairs = (areas[:, None] + areas[None]) / 2
    alike = oks(joints, joints, pairs, deviations=deviations) > threshold
    kept: list[int] = []
    for place in np.argsort(-np.asarray(scores), kind="stable"):
        if not alike[place, kept].any():
            kept.append(int(place))
    return np.array(kept, np.int64)
