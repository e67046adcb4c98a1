"""Focal loss of classes: Lin et al., 2017, https://arxiv.org/abs/1708.02002."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock

from toolkit.loss.sigmoid_cross_entropy import sigmoid_cross_entropy

TINY = 1e-7  # probability: a power below 1 has no slope at 0


class FocalLoss(HybridBlock):
    """Cross-entropy of a sigmoid for each class, in which what is easy counts little.

    Each term is multiplied by ``(1 - p) ** gamma``, where p is the probability of what is right,
    and by ``alpha`` for the class of an object, ``1 - alpha`` for all others. The sum over the
    batch is divided by the number of its anchors with a class, or by 1 where there are none.

    Args:
        gamma: How little easy ones count; with 0, all count alike.
        alpha: Weight of what is there, against what is not.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(self, gamma: float = 2.0, *, alpha: float = 0.25) -> None:
        super().__init__()
        if not gamma >= 0:
            raise ValueError(f"gamma must be at least 0, got {gamma!r}")
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must be in (0, 1), got {alpha!r}")
        self._gamma = gamma
        self._alpha = alpha

    def hybrid_forward(self, F: Any, scores: Any, classes: Any) -> Any:
        """Gives a loss ``(1,)``.

        Args:
            F: MXNet's namespace.
            scores: ``(N, A, L)`` before the sigmoid, without background.
            classes: ``(N, A)``: 0 for background, class indices plus 1, below 0 for anchors that
                count nothing.
        """
        classes = F.cast(classes, "float32")
        ranks = F.reshape(F.contrib.arange_like(scores, axis=2, start=1), (1, 1, -1))
        own = F.broadcast_equal(F.expand_dims(classes, 2), ranks)
        entropy = sigmoid_cross_entropy(F, scores, own)
        prob = F.Activation(scores, act_type="sigmoid")
        wrong = own + prob - 2 * own * prob  # 1 - p of the class itself, p of all others
        weights = (1 - self._alpha) + (2 * self._alpha - 1) * own
        loss = F.broadcast_mul(
            entropy * F.maximum(wrong, TINY) ** self._gamma * weights, _counted(F, classes)
        )
        return F.sum(loss) / F.broadcast_maximum(F.sum(classes > 0), F.ones((1,)))


def _counted(F: Any, classes: Any) -> Any:
    return F.expand_dims(classes >= 0, 2)
