"""What a detector on anchors is to predict: NumPy, for loader workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from toolkit.nn.coder import STDS, encode_boxes
from toolkit.nn.matcher import compose, match_bipartite, match_maximum
from toolkit.utils.boxes import BoxError, area, as_boxes, iou, to_center, to_corners


@dataclass(frozen=True, eq=False)
class AnchorTargets:
    """Makes class and box targets of an image's objects, as SSD has them.

    Each object takes the anchor that overlaps it most (all of them, where several do as much),
    and each anchor that is left the object that it overlaps most, where that is at least
    ``threshold``: Liu et al., 2015, https://arxiv.org/abs/1512.02325, section 2.2. Objects without
    area take none.

    Raises:
        BoxError: anchors are not ``(A, 4)`` with area.
    """

    anchors: np.ndarray  # (A, 4) centre x, centre y, width, height, in pixels
    threshold: float = 0.5  # the least IoU of an anchor with what it stands for
    stds: tuple[float, ...] = STDS  # of the four codes
    corners: np.ndarray = field(init=False, repr=False)  # (A, 4), the same anchors

    def __post_init__(self) -> None:
        anchors = as_boxes(np.asarray(self.anchors, np.float32))
        if not (anchors[:, 2:] > 0).all():
            raise BoxError(f"{(~(anchors[:, 2:] > 0).all(1)).sum()} anchors have no area")
        object.__setattr__(self, "anchors", anchors)
        object.__setattr__(self, "corners", to_corners(anchors))

    def __call__(self, boxes: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Makes the targets of one image.

        Args:
            boxes: ``(R, 4)`` corners in pixels of the image that the network sees; R may be 0.
            ids: ``(R,)`` class indices; rows below 0 are filling.

        Returns:
            Classes ``(A,)`` float32, 0 for background, else the class index plus 1; codes
            ``(A, 4)`` float32, 0 for background.

        Raises:
            BoxError: boxes are not ``(R, 4)``, or there are not as many class indices.
        """
        boxes, ids, _ = _objects(boxes, ids)
        overlaps = iou(self.corners, boxes)
        matches = compose(match_bipartite(overlaps), match_maximum(overlaps, self.threshold))
        found = matches >= 0
        classes, codes = np.zeros(len(matches), np.float32), np.zeros((len(matches), 4), np.float32)
        classes[found] = ids[matches[found]] + 1
        codes[found] = encode_boxes(
            to_center(boxes[matches[found]]), self.anchors[found], self.stds
        )
        return classes, codes


@dataclass(frozen=True, eq=False)
class CellTargets:
    """Makes targets of an image's objects for priors in cells, as YOLOv3 has them.

    Each object takes one prior: of those whose cell holds its centre, the one that is most alike
    in shape. Of two objects that take the same, the later one has it. Objects without area, or
    with their centre out of all cells, take none. Redmon and Farhadi, 2018,
    https://arxiv.org/abs/1804.02767, section 2.1.

    Raises:
        BoxError: priors are not ``(A, 5)``, or one has no area.
    """

    priors: np.ndarray  # (A, 5) left, top and side of the cell, width and height of the anchor
    pixels: float = field(init=False, repr=False)  # of the image that the cells cover

    def __post_init__(self) -> None:
        priors = np.asarray(self.priors, np.float32)
        if priors.ndim != 2 or priors.shape[1] != 5:
            raise BoxError(f"priors are (A, 5) numbers, got the shape {priors.shape}")
        if not (priors[:, 2:] > 0).all():
            raise BoxError(f"{(~(priors[:, 2:] > 0).all(1)).sum()} priors have no area")
        object.__setattr__(self, "priors", priors)
        pixels = (priors[:, :2] + priors[:, 2:3]).max(0).prod() if len(priors) else 0.0
        object.__setattr__(self, "pixels", float(pixels))

    def __call__(
        self, boxes: np.ndarray, ids: np.ndarray, weights: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Makes the targets of one image.

        Args:
            boxes: ``(R, 4)`` corners in pixels of the image that the network sees; R may be 0.
            ids: ``(R,)`` class indices; rows below 0 are filling.
            weights: ``(R,)``, in (0, 1], what each object counts; by default 1.

        Returns:
            Classes ``(A,)``, 0 for none, else the class index plus 1; codes ``(A, 4)``: the
            centre's place in the cell in 0..1 and the logarithms of the sizes over the anchor's;
            weights ``(A,)``, 0 for none; scales ``(A,)``, 2 less the object's share of the image,
            which make up for the size of the box in its loss, 0 for none. All float32.

        Raises:
            BoxError: boxes are not ``(R, 4)``, or there are not as many class indices or weights.
        """
        boxes, ids, weights = _objects(boxes, ids, weights)
        real = area(boxes) > 0
        centers = to_center(boxes[real])
        taken, inside = self._taken(centers)
        boxes, chosen = centers[inside], self.priors[taken]
        classes = np.zeros(len(self.priors), np.float32)
        codes = np.zeros((len(classes), 4), np.float32)
        counted, scales = np.zeros_like(classes), np.zeros_like(classes)
        # NumPy keeps the last of what is written to one place.
        classes[taken] = ids[real][inside] + 1
        counted[taken] = weights[real][inside]
        codes[taken, :2] = (boxes[:, :2] - chosen[:, :2]) / chosen[:, 2:3]
        codes[taken, 2:] = np.log(boxes[:, 2:] / chosen[:, 3:])
        scales[taken] = 2 - boxes[:, 2:].prod(1) / self.pixels
        return classes, codes, counted, scales

    def _taken(self, centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The place of the prior that each object takes, and which objects ``(R,)`` take one."""
        inside = np.zeros(len(centers), bool)
        if not len(centers):
            return np.zeros(0, np.int64), inside
        places = (centers[:, None, :2] - self.priors[None, :, :2]) / self.priors[None, :, 2:3]
        holds = ((places >= 0) & (places < 1)).all(-1)
        common = np.minimum(centers[:, None, 2:], self.priors[None, :, 3:]).prod(-1)
        areas = centers[:, 2:].prod(-1)[:, None], self.priors[:, 3:].prod(-1)[None]
        alike = np.where(holds, common / (areas[0] + areas[1] - common), -1)
        inside = holds.any(1)
        return alike.argmax(1)[inside], inside


def _objects(
    boxes: np.ndarray, ids: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows that are not filling. Raises BoxError where there are not equally many."""
    boxes, ids = as_boxes(boxes), np.asarray(ids).reshape(-1)
    weights = np.ones(len(ids)) if weights is None else np.asarray(weights).reshape(-1)
    if not len(boxes) == len(ids) == len(weights):
        raise BoxError(f"{len(boxes)} boxes have {len(ids)} class indices, {len(weights)} weights")
    kept = ids >= 0
    return boxes[kept], ids[kept], weights[kept]


@dataclass(frozen=True, eq=False)
class BatchTargets:
    """Makes the targets of whole batches, for images of any size that a maker is known of.

    Raises:
        ValueError: on call, for a size of which there is no maker.
    """

    makers: Mapping[tuple[int, int], Callable[..., tuple[np.ndarray, ...]]]  # by (height, width)
    weighted: bool = False  # the makers take weights, too

    def __call__(
        self, boxes: np.ndarray, ids: np.ndarray, weights: np.ndarray, size: tuple[int, int]
    ) -> tuple[np.ndarray, ...]:
        """Maps ``(N, R, 4)``, ``(N, R)`` and ``(N, R)`` to what a maker gives, N rows of each."""
        if size not in self.makers:
            known = ", ".join(map(str, self.makers))
            raise ValueError(f"no targets are known for images of {size}, but for {known}")
        make = self.makers[size]
        rows = (
            zip(boxes, ids, weights, strict=True) if self.weighted else zip(boxes, ids, strict=True)
        )
        return tuple(np.stack(part) for part in zip(*(make(*row) for row in rows), strict=True))
