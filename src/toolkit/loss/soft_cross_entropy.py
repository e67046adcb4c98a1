"""Cross-entropy with a distribution over the classes as target, as mixed images have it."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock


class SoftCrossEntropyLoss(HybridBlock):
    """Mean over the samples of ``-sum_l q[l] * log(softmax(scores)[l])``.

    ``q`` is the target, of which ``smoothing`` is taken and spread evenly over all classes:
    Szegedy et al., 2015, https://arxiv.org/abs/1512.00567.

    Args:
        smoothing: What is taken from the targets, in ``[0, 1)``.
    """

    def __init__(self, smoothing: float = 0.0) -> None:
        super().__init__()
        if not 0 <= smoothing < 1:
            raise ValueError(f"smoothing must be in [0, 1), got {smoothing!r}")
        self._smoothing = smoothing

    def hybrid_forward(self, F: Any, scores: Any, targets: Any) -> Any:
        """Maps scores and targets, both ``(N, L)``, to a loss ``(1,)``; targets sum to 1."""
        logs = F.log_softmax(scores, axis=-1)
        loss = -F.sum(targets * logs, axis=-1)
        if self._smoothing:
            loss = (1 - self._smoothing) * loss - self._smoothing * F.mean(logs, axis=-1)
        return F.mean(loss)
