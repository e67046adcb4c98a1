"""Knowledge distillation: Hinton et al., 2015, https://arxiv.org/abs/1503.02531."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock

from toolkit.loss.softmax_cross_entropy import SoftmaxCrossEntropyLoss


class DistillationLoss(HybridBlock):
    """``w * hard(scores, labels) + (1 - w) * T^2 * KL(teacher || scores)``.

    The divergence is of the softmax of both scores over ``T``, a mean over the samples. The factor
    ``T^2`` keeps the gradients of both parts of one size whatever the temperature. No gradient
    goes to the teacher.

    Args:
        hard: The loss of the labels, ``hard(scores, labels)``, a mean over the samples; by default
            ``SoftmaxCrossEntropyLoss()``.
        temperature: ``T``, above 0: higher ones show more of what the teacher thinks of the
            classes that are not its first choice.
        hard_weight: ``w``, in ``[0, 1]``.
    """

    def __init__(
        self,
        hard: HybridBlock | None = None,
        *,
        temperature: float = 4.0,
        hard_weight: float = 0.5,
    ) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f"temperature must be above 0, got {temperature!r}")
        if not 0 <= hard_weight <= 1:
            raise ValueError(f"hard_weight must be in [0, 1], got {hard_weight!r}")
        self.hard = hard or SoftmaxCrossEntropyLoss()
        self._temperature = temperature
        self._hard_weight = hard_weight

    def hybrid_forward(self, F: Any, scores: Any, labels: Any, teacher: Any) -> Any:
        """Maps scores ``(N, L)``, labels and the teacher's scores ``(N, L)`` to a loss ``(1,)``."""
        logs = F.log_softmax(scores / self._temperature, axis=-1)
        wanted = F.log_softmax(F.BlockGrad(teacher) / self._temperature, axis=-1)
        divergence = F.mean(F.sum(F.exp(wanted) * (wanted - logs), axis=-1))
        soft_weight = (1 - self._hard_weight) * self._temperature**2
        return self._hard_weight * self.hard(scores, labels) + soft_weight * divergence
