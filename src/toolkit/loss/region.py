"""The loss of what is said of regions: Girshick, 2015, https://arxiv.org/abs/1504.08083."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock


class RegionLoss(HybridBlock):
    """Cross-entropy of the classes, and smooth L1 of the codes of the region's own class.

    Both are summed over the regions of the batch and divided by the number of those that count, or
    by 1 where there are none.
    """

    def hybrid_forward(
        self, F: Any, scores: Any, codes: Any, classes: Any, targets: Any
    ) -> tuple[Any, Any]:
        """Gives the two losses, ``(1,)`` each.

        Args:
            F: MXNet's namespace.
            scores: ``(N, R, L + 1)`` before softmax, background first.
            codes: ``(N, R, L, 4)``, or ``(N, R, 1, 4)`` where all classes share them.
            classes: ``(N, R)``: 0 for background, class indices plus 1, below 0 for regions that
                count nothing.
            targets: ``(N, R, 4)`` codes; only those of regions with a class are looked at.
        """
        counted = classes >= 0
        entropy = -F.pick(F.log_softmax(scores, axis=-1), classes, axis=-1)
        class_loss = F.sum(F.where(counted, entropy, F.zeros_like(entropy)))
        rows = F.broadcast_like(F.expand_dims(classes, 2), targets)
        own = F.pick(codes, rows - 1, axis=2, mode="clip")  # of one that is shared, that one
        # Masked before, not after: a target of what is no object may be anything, even NaN.
        error = F.where(rows > 0, own - targets, F.zeros_like(own))
        box_loss = F.sum(F.smooth_l1(error, scalar=1.0))
        total = F.broadcast_maximum(F.sum(counted), F.ones((1,)))
        return class_loss / total, box_loss / total
