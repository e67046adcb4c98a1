"""From the rows of a detector to named objects in a picture; free of MXNet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Detection:
    """One object that a network finds in a picture."""

    label: str
    index: int  # of its class
    score: float
    box: tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels

    def scaled(self, x: float, y: float) -> Detection:
        """The same in a picture so many times as wide and as high."""
        x0, y0, x1, y1 = self.box
        return replace(self, box=(x0 * x, y0 * y, x1 * x, y1 * y))


def detect(
    outputs: Sequence[np.ndarray], labels: Sequence[str] | None, top: int
) -> list[list[Detection]]:
    """The ``top`` objects of highest score of each picture, best first; there may be none.

    Args:
        outputs: What the network gave: class indices ``(N, K, 1)``, scores ``(N, K, 1)``, corners
            ``(N, K, 4)`` in pixels of what it saw; class indices below 0 are no objects.
        labels: Class names by index; a class without a name is called ``class 17``.
        top: How many objects at most.

    Raises:
        ValueError: the network is no detector, or finds a class beyond the labels.
    """
    shapes = [part.shape for part in outputs[:3]]
    if len(shapes) < 3 or any(len(s) != 3 for s in shapes) or shapes[2][2] != 4:
        raise ValueError(
            f"a detector gives (N, K, 1), (N, K, 1) and (N, K, 4), this network gave {shapes}"
        )
    return [_objects(picture, labels, top) for picture in zip(*outputs[:3], strict=True)]


def _objects(
    picture: tuple[np.ndarray, ...], labels: Sequence[str] | None, top: int
) -> list[Detection]:
    ids, scores, boxes = picture
    ids, scores = ids.reshape(-1).astype(int), scores.reshape(-1)
    found = np.flatnonzero(ids >= 0)
    if labels is not None and len(found) and ids.max() >= len(labels):
        raise ValueError(f"{len(labels)} labels for a network that finds class {ids.max()}")
    best = found[np.argsort(-scores[found], kind="stable")][:top]
    names = {i: f"class {i}" if labels is None else labels[i] for i in set(ids[best].tolist())}
    return [
        Detection(names[int(ids[i])], int(ids[i]), float(scores[i]), tuple(boxes[i].tolist()))
        for i in best
    ]
