"""The loss of masks: He et al., 2017, https://arxiv.org/abs/1703.06870."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock

from toolkit.loss.sigmoid_cross_entropy import sigmoid_cross_entropy


class MaskLoss(HybridBlock):
    """Cross-entropy of the sigmoid of each cell of the mask of the region's own class.

    It is the mean over the cells of all regions with a class, section 3; 0 where there are none.
    """

    def hybrid_forward(self, F: Any, scores: Any, classes: Any, targets: Any) -> Any:
        """Gives a loss ``(1,)``.

        Args:
            F: MXNet's namespace.
            scores: ``(N, R, L, S, S)`` before the sigmoid.
            classes: ``(N, R)``: class indices plus 1; 0 and less for regions that count nothing.
            targets: ``(N, R, S, S)`` in [0, 1]; only those of regions with a class are looked at.
        """
        kinds = F.broadcast_like(F.reshape(classes, (0, 0, 1, 1)), targets)
        own = F.pick(scores, kinds - 1, axis=2, mode="clip")
        entropy = sigmoid_cross_entropy(F, own, targets)
        cells = kinds > 0
        loss = F.sum(F.where(cells, entropy, F.zeros_like(entropy)))
        return loss / F.broadcast_maximum(F.sum(cells), F.ones((1,)))
