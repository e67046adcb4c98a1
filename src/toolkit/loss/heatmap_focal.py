"""Focal loss of heat maps: Law and Deng, 2018, https://arxiv.org/abs/1808.01244, section 3.2."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock

from toolkit.loss.sigmoid_cross_entropy import sigmoid_cross_entropy

TINY = 1e-7  # probability: a power below 1 has no slope at 0


class HeatmapFocalLoss(HybridBlock):
    """Cross-entropy of all cells of maps of points; easy cells and near ones count little.

    A cell whose target is 1 is a point: ``-(1 - p) ** alpha * log(p)``. All others are none:
    ``-(1 - target) ** beta * p ** alpha * log(1 - p)``. The sum over the batch is divided by the
    number of its points, or by 1 where there are none.

    Args:
        alpha: How little easy cells count.
        beta: How little cells near a point count.

    Raises:
        ValueError: an argument is negative.
    """

    def __init__(self, alpha: float = 2.0, *, beta: float = 4.0) -> None:
        super().__init__()
        for name, value in {"alpha": alpha, "beta": beta}.items():
            if not value >= 0:
                raise ValueError(f"{name} must be at least 0, got {value!r}")
        self._alpha = alpha
        self._beta = beta

    def hybrid_forward(self, F: Any, scores: Any, targets: Any) -> Any:
        """Gives a loss ``(1,)``.

        Args:
            F: MXNet's namespace.
            scores: ``(N, L, H, W)`` before the sigmoid.
            targets: ``(N, L, H, W)``: 1 at points, less around them, 0 elsewhere.
        """
        points = targets >= 1
        prob = F.Activation(scores, act_type="sigmoid")
        wrong = F.where(points, 1 - prob, prob)
        near = F.where(points, F.ones_like(targets), (1 - targets) ** self._beta)
        weights = F.maximum(wrong, TINY) ** self._alpha * near
        loss = sigmoid_cross_entropy(F, scores, points) * weights
        return F.sum(loss) / F.broadcast_maximum(F.sum(points), F.ones((1,)))
