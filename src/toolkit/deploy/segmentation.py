"""From the scores of every pixel to the named regions of a picture; free of MXNet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True, eq=False)
class Region:
    """Where a picture shows one class."""

    label: str
    index: int  # of the class
    share: float  # of the picture, in (0, 1]
    mask: np.ndarray  # (H, W) of the picture's pixels, true where it is


@dataclass(frozen=True, eq=False)
class PixelScores:
    """What a network says of the pixels that it saw of one picture."""

    scores: np.ndarray  # (L, H, W)
    labels: Sequence[str] | None
    top: int

    def regions(self, height: int, width: int) -> list[Region]:
        """The largest regions of a picture of this size, the largest first.

        Scores are interpolated and then compared, so that borders are smooth; classes that are
        highest at no pixel that the network saw are not looked at.
        """
        seen = np.unique(self.scores.argmax(axis=0))
        best = np.full((height, width), -np.inf, np.float32)
        ids = np.zeros((height, width), np.int64)
        for index in seen:
            scores = np.ascontiguousarray(self.scores[index], np.float32)
            if scores.shape != best.shape:
                scores = cv2.resize(scores, (width, height), interpolation=cv2.INTER_LINEAR)
            higher = scores > best
            ids[higher], best[higher] = index, scores[higher]
        found, counts = np.unique(ids, return_counts=True)
        order = np.argsort(-counts, kind="stable")[: self.top]
        return [self._region(ids, int(found[i]), counts[i] / ids.size) for i in order]

    def _region(self, ids: np.ndarray, index: int, share: float) -> Region:
        label = f"class {index}" if self.labels is None else self.labels[index]
        return Region(label, index, float(share), ids == index)


def segment(
    outputs: Sequence[np.ndarray], labels: Sequence[str] | None, top: int
) -> list[list[PixelScores]]:
    """The scores of each picture, in a list of one.

    Args:
        outputs: What the network gave; the first is ``(N, L, H, W)``.
        labels: Class names by index; a class without a name is called ``class 17``.
        top: How many classes at most, those with the most pixels.

    Raises:
        ValueError: the network is no segmenter, has another number of classes than labels, or gives
            scores that are not numbers.
    """
    scores = outputs[0]
    if scores.ndim != 4:
        raise ValueError(
            f"a segmenter gives scores (N, classes, H, W), this network gave {scores.shape}"
        )
    if labels is not None and len(labels) != scores.shape[1]:
        raise ValueError(f"{len(labels)} labels for a network of {scores.shape[1]} classes")
    if np.isnan(scores).any():
        raise ValueError("scores are not a number (NaN)")
    return [[PixelScores(one, labels, top)] for one in scores]


def label_map(regions: Sequence[Region]) -> np.ndarray:
    """The class index of each pixel ``(H, W)``, int64; -1 where it is of none of these regions.

    Raises:
        ValueError: there are no regions.
    """
    if not regions:
        raise ValueError("a label map is made of at least one region")
    ids = np.full(regions[0].mask.shape, -1, np.int64)
    for region in regions:
        ids[region.mask] = region.index
    return ids
