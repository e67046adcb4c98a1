"""What a detector on anchors is to predict: NumPy, for loader workers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from toolkit.nn.coder import STDS, encode_boxes
from toolkit.nn.matcher import compose, match_bipartite, match_maximum
from toolkit.utils.boxes import BoxError, as_boxes, iou, to_center, to_corners


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
        boxes, ids = as_boxes(boxes), np.asarray(ids).reshape(-1)
        if len(boxes) != len(ids):
            raise BoxError(f"{len(boxes)} boxes have {len(ids)} class indices")
        boxes, ids = boxes[ids >= 0], ids[ids >= 0]
        overlaps = iou(self.corners, boxes)
        matches = compose(match_bipartite(overlaps), match_maximum(overlaps, self.threshold))
        found = matches >= 0
        classes, codes = np.zeros(len(matches), np.float32), np.zeros((len(matches), 4), np.float32)
        classes[found] = ids[matches[found]] + 1
        codes[found] = encode_boxes(
            to_center(boxes[matches[found]]), self.anchors[found], self.stds
        )
        return classes, codes
