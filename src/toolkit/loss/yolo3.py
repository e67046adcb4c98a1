"""YOLOv3's loss: Redmon and Farhadi, 2018, https://arxiv.org/abs/1804.02767."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock

from toolkit.loss.sigmoid_cross_entropy import sigmoid_cross_entropy

TINY = 1e-12  # union of boxes that are none


class YOLO3Loss(HybridBlock):
    """Whether there is an object, its place, size and class, each summed over an image's priors.

    Cross-entropies of sigmoids, but for the absolute error of the sizes. A prior without an object
    is not told so where what it predicts overlaps one by more than ``threshold``.

    Args:
        threshold: That IoU.
        smoothing: What is wanted of the classes that an object is not of; of its own, 1 less that.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(self, threshold: float = 0.7, *, smoothing: float = 0.0) -> None:
        super().__init__()
        if not 0 < threshold <= 1:
            raise ValueError(f"threshold must be in (0, 1], got {threshold!r}")
        if not 0 <= smoothing < 0.5:
            raise ValueError(f"smoothing must be in [0, 0.5), got {smoothing!r}")
        self._threshold = threshold
        self._smoothing = smoothing

    def hybrid_forward(
        self, F: Any, scores: Any, codes: Any, priors: Any, *objects: Any
    ) -> tuple[Any, Any, Any, Any]:
        """Gives four losses ``(N,)``: of objects, places, sizes and classes. Their sum is meant.

        Args:
            F: MXNet's namespace.
            scores: ``(N, A, 1 + L)`` before the sigmoid, that of there being an object first.
            codes: ``(N, A, 4)`` as the network gives them.
            priors: ``(1, A, 5)``: left, top, side of the cell, width and height of the anchor.
            *objects: Boxes ``(N, R, 4)`` in pixels, filled up with -1; then what ``CellTargets``
                made of them: classes ``(N, A)``, codes ``(N, A, 4)``, weights ``(N, A)`` and
                scales ``(N, A)``.
        """
        boxes, classes, targets, weights, scales = objects
        found = classes > 0
        open_ = _largest_iou(F, F.BlockGrad(codes), priors, boxes) <= self._threshold
        score = F.reshape(F.slice_axis(scores, axis=2, begin=0, end=1), (0, -1))
        of_objects = F.where(found, weights, open_) * sigmoid_cross_entropy(F, score, found)
        box_weights = F.expand_dims(weights * scales, 2)
        place, size = (_part(F, codes, begin) for begin in (0, 2))
        place_target, size_target = (_part(F, targets, begin) for begin in (0, 2))
        of_places = F.broadcast_mul(sigmoid_cross_entropy(F, place, place_target), box_weights)
        of_sizes = F.broadcast_mul(F.abs(size - size_target), box_weights)
        of_classes = self._of_classes(F, F.slice_axis(scores, axis=2, begin=1, end=None), classes)
        of_classes = F.broadcast_mul(of_classes, F.expand_dims(weights, 2))
        losses = (of_objects, of_places, of_sizes, of_classes)
        return tuple(F.sum(F.flatten(loss), axis=1) for loss in losses)

    def _of_classes(self, F: Any, scores: Any, classes: Any) -> Any:
        """Cross-entropy of each class ``(N, A, L)``; of priors without an object it is of none."""
        ranks = F.contrib.arange_like(scores, axis=2, start=1)
        own = F.broadcast_equal(F.expand_dims(classes, 2), F.reshape(ranks, (1, 1, -1)))
        if self._smoothing:
            own = own * (1 - 2 * self._smoothing) + self._smoothing
        return sigmoid_cross_entropy(F, scores, own)


def _part(F: Any, codes: Any, begin: int) -> Any:
    return F.slice_axis(codes, axis=2, begin=begin, end=begin + 2)


def _largest_iou(F: Any, codes: Any, priors: Any, boxes: Any) -> Any:
    """The largest IoU ``(N, A)`` of what each prior predicts with an object."""

    def column(x: Any, place: int) -> Any:
        return F.slice_axis(x, axis=2, begin=place, end=place + 1)

    sides, common = [], []
    theirs = F.transpose(boxes, axes=(0, 2, 1))  # (N, 4, R)
    for axis in (0, 1):
        place = F.Activation(column(codes, axis), act_type="sigmoid")
        center = F.broadcast_add(F.broadcast_mul(place, column(priors, 2)), column(priors, axis))
        half = F.broadcast_mul(F.exp(column(codes, 2 + axis)), column(priors, 3 + axis)) / 2
        low, high = (F.slice_axis(theirs, axis=1, begin=i, end=i + 1) for i in (axis, axis + 2))
        overlap = F.broadcast_minimum(center + half, high) - F.broadcast_maximum(
            center - half, low
        )  # (N, A, R)
        common.append(F.relu(overlap))
        sides.append((half * 2, high - low))
    both = common[0] * common[1]
    areas = F.broadcast_add(sides[0][0] * sides[1][0], sides[0][1] * sides[1][1])
    return F.max(both / F.maximum(areas - both, TINY), axis=2)
