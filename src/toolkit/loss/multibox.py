"""SSD's loss, with hard negative mining: Liu et al., 2015, https://arxiv.org/abs/1512.02325."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock


class MultiBoxLoss(HybridBlock):
    """Cross-entropy of the classes and smooth L1 of the box codes, over the number of objects.

    Anchors with a class are all learned from. Of those that are background, each image gives the
    ones with the largest loss, ``ratio`` for each of its anchors with a class. The sum over the
    batch is divided by the number of all its anchors with a class, or by 1 where there are none.

    Args:
        ratio: Background anchors for each anchor with a class.
        least: Background anchors that an image gives at least: with 0, one without objects
            teaches nothing.
        box_weight: What the smooth L1 loss is multiplied by.

    Raises:
        ValueError: an argument is negative.
    """

    def __init__(self, ratio: float = 3.0, *, least: int = 0, box_weight: float = 1.0) -> None:
        super().__init__()
        for name, value in {"ratio": ratio, "least": least, "box_weight": box_weight}.items():
            if not value >= 0:
                raise ValueError(f"{name} must be at least 0, got {value!r}")
        self._ratio = ratio
        self._least = least
        self._box_weight = box_weight

    def hybrid_forward(self, F: Any, scores: Any, codes: Any, classes: Any, targets: Any) -> Any:
        """Gives a loss ``(1,)``.

        Args:
            F: MXNet's namespace.
            scores: ``(N, A, L + 1)`` before softmax, background first.
            codes: ``(N, A, 4)``.
            classes: ``(N, A)``: 0 for background, class indices plus 1, below 0 for anchors that
                count nothing.
            targets: ``(N, A, 4)`` codes; only those of anchors with a class are looked at.
        """
        classes = F.cast(classes, "float32")
        objects = classes > 0
        loss = -F.pick(F.log_softmax(scores, axis=-1), classes, axis=-1)
        counted = objects + self._hardest(F, F.BlockGrad(loss), classes)
        class_loss = F.sum(F.where(counted, loss, F.zeros_like(loss)))
        # Masked before, not after: a target of what is no object may be anything, even NaN.
        mask = F.broadcast_like(F.expand_dims(objects, 2), codes)
        error = F.where(mask, codes - targets, F.zeros_like(codes))
        box_loss = F.sum(F.smooth_l1(error, scalar=1.0))
        total = F.broadcast_maximum(F.sum(objects), F.ones((1,)))
        return (class_loss + self._box_weight * box_loss) / total

    def _hardest(self, F: Any, loss: Any, classes: Any) -> Any:
        """1 for the background anchors to learn from, else 0: ``(N, A)``."""
        background = classes == 0
        hardness = F.where(background, loss, -F.ones_like(loss))
        # The first argsort gives the anchor at each rank, the second the rank of each anchor.
        order = F.argsort(hardness, axis=1, is_ascend=False)
        rank = F.argsort(order, axis=1)
        wanted = self._ratio * F.sum(classes > 0, axis=1, keepdims=True)
        wanted = F.maximum(F.floor(wanted), self._least)
        return F.broadcast_lesser(rank, wanted) * background
