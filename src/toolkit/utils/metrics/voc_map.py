"""Mean average precision of PASCAL VOC: Everingham et al., 2010, doi:10.1007/s11263-009-0275-4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from toolkit.utils.boxes import iou
from toolkit.utils.registry import unknown

MISS, HIT, IGNORED = 0, 1, -1


def precision_area(hits: np.ndarray, objects: int) -> float:
    """The area under the precision that is reached at each recall or beyond: VOC from 2010 on.

    Args:
        hits: ``(K,)`` bool, for each detection, the best first, whether it found an object.
        objects: How many there were to find, at least one.
    """
    found = np.cumsum(hits)
    precision = found / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(envelope[hits].sum() / objects)  # each hit raises the recall by 1 / objects


def precision_at_11(hits: np.ndarray, objects: int) -> float:
    """The mean of the best precision at a recall of at least 0, 0.1, ..., 1: VOC 2007.

    Recalls are compared as whole numbers: 3 found of 10 are a recall of at least 0.3, which
    floating point may deny. Takes what ``precision_area`` takes.
    """
    found = np.cumsum(hits)
    precision = found / np.arange(1, len(hits) + 1)
    reached = found[None] * 10 >= np.arange(11)[:, None] * objects  # (11, K)
    return float(np.where(reached, precision[None], 0).max(1, initial=0).mean())


FORMS = {"area": precision_area, "11 points": precision_at_11}


def match_detections(
    overlaps: np.ndarray, difficult: np.ndarray, *, threshold: float = 0.5
) -> np.ndarray:
    """What each detection of one class in one image is worth.

    A detection claims the object that it overlaps most, taken or not; of several that claim one,
    the first finds it and the others miss. Claims on difficult objects are ignored.

    Args:
        overlaps: ``(K, R)`` IoU of the detections, the best first, with the objects.
        difficult: ``(R,)`` bool.
        threshold: The least IoU that is a claim.

    Returns:
        ``(K,)`` int8: ``HIT``, ``MISS`` or ``IGNORED``.
    """
    result = np.full(len(overlaps), MISS, np.int8)
    if not overlaps.size:
        return result
    best = overlaps.argmax(1)
    claims = np.flatnonzero(overlaps.max(1) >= threshold)
    hard = difficult[best[claims]]
    result[claims[hard]] = IGNORED
    easy = claims[~hard]
    result[easy[np.unique(best[easy], return_index=True)[1]]] = HIT
    return result


class VOCMeanAP:
    """Mean over the classes of their average precision, gathered batch by batch.

    It needs the order of all detections, so it cannot be added up over workers: evaluate on all of
    the data in each.

    Args:
        classes: Their names.
        form: ``"11 points"``, as VOC 2007 has it, or ``"area"``, as VOC from 2010 on.
        threshold: The least IoU, in (0, 1], of a detection with the object that it finds.
        inclusive: ``x1`` and ``y1`` are the last pixels within, as in VOC's own files, and not the
            edges beyond them, as everywhere in the toolkit.

    Raises:
        ValueError: an argument is not what it must be.
    """

    name = "voc_map"

    def __init__(
        self,
        classes: Sequence[str],
        form: str = "11 points",
        *,
        threshold: float = 0.5,
        inclusive: bool = False,
    ) -> None:
        if form not in FORMS:
            raise ValueError(unknown("form of average precision", form, FORMS))
        if not 0 < threshold <= 1:
            raise ValueError(f"threshold must be in (0, 1], got {threshold!r}")
        if isinstance(classes, str) or not classes:
            raise ValueError(f"classes must be the names of at least one class, got {classes!r}")
        self.classes = tuple(classes)
        self._average = FORMS[form]
        self._threshold = threshold
        self._edge = np.array([0, 0, 1, 1]) * float(inclusive)
        self.reset()

    def reset(self) -> None:
        """Forgets all batches."""
        self._images = 0
        self._objects = np.zeros(len(self.classes), np.int64)  # those that are not difficult
        self._scores: list[list[np.ndarray]] = [[] for _ in self.classes]
        self._worth: list[list[np.ndarray]] = [[] for _ in self.classes]

    def update(self, labels: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Counts a batch of N images, as arrays or as lists of one array an image.

        Args:
            labels: Boxes ``(N, R, 4)``, class indices ``(N, R)`` and, if any, which are difficult
                ``(N, R)``; a class index below 0 is no object.
            outputs: What a detector gives: class indices ``(N, K, 1)``, scores ``(N, K, 1)`` and
                boxes ``(N, K, 4)``; a class index below 0 is no detection. More is passed over.

        Raises:
            ValueError: arrays do not fit each other, a class index is too large, or a score of a
                detection is not finite.
        """
        batch = [_images(part) for part in (*labels[:3], *outputs[:3])]
        if len({len(part) for part in batch}) != 1:
            raise ValueError(f"labels and outputs are of {[len(p) for p in batch]} images each")
        shared = len(batch) - 3
        for image in zip(*batch, strict=True):
            self._add(self._labels(*image[:shared]), self._outputs(*image[shared:]))
            self._images += 1

    def _labels(
        self, boxes: np.ndarray, ids: np.ndarray, difficult: np.ndarray | None = None
    ) -> tuple[np.ndarray, ...]:
        hard = np.zeros(ids.size) if difficult is None else difficult
        return self._valid(ids.reshape(-1), hard.reshape(-1) > 0, boxes.reshape(-1, 4))

    def _outputs(
        self, ids: np.ndarray, scores: np.ndarray, boxes: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        ids, scores, boxes = self._valid(ids.reshape(-1), scores.reshape(-1), boxes.reshape(-1, 4))
        if not np.isfinite(scores).all():
            raise ValueError(f"{(~np.isfinite(scores)).sum()} detections have no finite score")
        order = np.argsort(-scores, kind="stable")
        return ids[order], scores[order], boxes[order]

    def _valid(self, ids: np.ndarray, *rest: np.ndarray) -> tuple[np.ndarray, ...]:
        """The rows of an image that are not filling; the last of ``rest`` are boxes."""
        sizes = [len(ids), *map(len, rest)]
        if len(set(sizes)) != 1:
            raise ValueError(f"an image has {sizes} class indices, values and boxes")
        if ids.size and ids.max() >= len(self.classes):
            raise ValueError(f"class index {ids.max():g} of {len(self.classes)} classes")
        kept = ids >= 0
        values, boxes = (part[kept] for part in rest)
        return ids[kept], values, boxes + self._edge

    def _add(self, labels: tuple[np.ndarray, ...], outputs: tuple[np.ndarray, ...]) -> None:
        """Matches one image, class by class."""
        ids, difficult, objects = labels
        found, scores, boxes = outputs
        for place in np.unique(np.concatenate([ids, found])).astype(int):
            ours, theirs = ids == place, found == place
            self._objects[place] += (~difficult[ours]).sum()
            self._scores[place].append(scores[theirs])
            overlaps = iou(boxes[theirs], objects[ours])
            worth = match_detections(overlaps, difficult[ours], threshold=self._threshold)
            self._worth[place].append(worth)

    def per_class(self) -> dict[str, float]:
        """The average precision of each class, in [0, 1]; NaN where there was no object of it."""
        return {name: self._one(place) for place, name in enumerate(self.classes)}

    def _one(self, place: int) -> float:
        if not self._objects[place]:
            return float("nan")
        scores, worth = (np.concatenate(part) for part in (self._scores[place], self._worth[place]))
        ranked = worth[np.argsort(-scores, kind="stable")]
        return self._average(ranked[ranked != IGNORED] == HIT, int(self._objects[place]))

    def get(self) -> dict[str, float]:
        """``voc_map``, the mean over the classes that had objects, and ``voc_map/<class>`` of each.

        Raises:
            ValueError: there was no image, or no object that is not difficult in any.
        """
        values = {name: value for name, value in self.per_class().items() if value == value}
        if not values:
            raise ValueError(f"{self.name} of nothing: no objects in {self._images} images")
        mean = float(np.mean(list(values.values())))
        return {self.name: mean, **{f"{self.name}/{name}": v for name, v in values.items()}}


def _images(part: Any) -> list[np.ndarray]:
    """An array of a batch, or a list of one array an image, as the latter in float64."""
    return [np.asarray(_numpy(image), np.float64) for image in _numpy(part)]


def _numpy(values: Any) -> Any:
    return values.asnumpy() if hasattr(values, "asnumpy") else values
