"""Softmax cross-entropy with smoothed labels: Szegedy et al., 2015, https://arxiv.org/abs/1512.00567."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock


class SoftmaxCrossEntropyLoss(HybridBlock):
    """Mean over the samples of ``-sum_l q[l] * log(softmax(scores)[l])``.

    ``q`` puts ``1 - smoothing`` on the label and spreads ``smoothing`` evenly over all classes.

    Args:
        smoothing: What is taken from the label, in ``[0, 1)``.
        ignore: Samples with this label count nothing, neither in the sum nor in the mean.
    """

    def __init__(self, smoothing: float = 0.0, *, ignore: int | None = None) -> None:
        super().__init__()
        if not 0 <= smoothing < 1:
            raise ValueError(f"smoothing must be in [0, 1), got {smoothing!r}")
        self._smoothing = smoothing
        self._ignore = ignore

    def hybrid_forward(self, F: Any, scores: Any, labels: Any) -> Any:
        """Maps scores ``(N, L)`` and labels ``(N,)`` to a loss ``(1,)``."""
        logs = F.log_softmax(scores, axis=-1)
        loss = -F.pick(logs, labels, axis=-1)
        if self._smoothing:
            loss = (1 - self._smoothing) * loss - self._smoothing * F.mean(logs, axis=-1)
        if self._ignore is None:
            return F.mean(loss)
        counted = F.cast(labels != self._ignore, "float32")  # whatever the labels are
        return F.sum(F.where(counted, loss, F.zeros_like(loss))) / F.broadcast_maximum(
            F.sum(counted), F.ones((1,))
        )
