"""The loss of proposed regions: Ren et al., 2015, https://arxiv.org/abs/1506.01497."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock

from toolkit.loss.sigmoid_cross_entropy import sigmoid_cross_entropy

SHARPNESS = 3.0  # of the smooth L1 loss, which turns linear at 1 / 9


class RegionProposalLoss(HybridBlock):
    """Cross-entropy of there being an object, and smooth L1 of the box codes.

    Both are summed over the anchors of the batch and divided by the number of those that count,
    section 3.1.2, or by 1 where there are none.
    """

    def hybrid_forward(
        self, F: Any, scores: Any, codes: Any, classes: Any, targets: Any
    ) -> tuple[Any, Any]:
        """Gives the two losses, ``(1,)`` each.

        Args:
            F: MXNet's namespace.
            scores: ``(N, A)`` before the sigmoid.
            codes: ``(N, A, 4)``.
            classes: ``(N, A)``: 1 for an object, 0 for background, below 0 for what counts
                nothing.
            targets: ``(N, A, 4)`` codes; only those of objects are looked at.
        """
        found, counted = classes > 0, classes >= 0
        entropy = sigmoid_cross_entropy(F, scores, found)
        class_loss = F.sum(F.where(counted, entropy, F.zeros_like(entropy)))
        # Masked before, not after: a target of what is no object may be anything, even NaN.
        mask = F.broadcast_like(F.expand_dims(found, 2), codes)
        error = F.where(mask, codes - targets, F.zeros_like(codes))
        box_loss = F.sum(F.smooth_l1(error, scalar=SHARPNESS))
        total = F.broadcast_maximum(F.sum(counted), F.ones((1,)))
        return class_loss / total, box_loss / total
