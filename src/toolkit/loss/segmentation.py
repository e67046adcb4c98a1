"""Cross-entropy of the pixels of pictures, for scores of several heads."""

from __future__ import annotations

import math
from typing import Any

from mxnet.gluon import HybridBlock


class SegmentationLoss(HybridBlock):
    """Mean over the pixels of ``-log(softmax(scores)[label])``, of the main head and of others.

    The result is that of the main head and ``auxiliary`` times that of each other. Scores on a
    coarser grid are interpolated to the size of the labels.

    Args:
        auxiliary: Weight of the heads behind the first.
        ignore: Pixels with this label count nothing, neither in the sum nor in the mean.
        hard: Only pixels whose own class has a lower probability than this count, in (0, 1]: the
            rest is learned. Shrivastava et al., 2016, https://arxiv.org/abs/1604.03540.
        least: But at least so many of a batch, the hardest, even if they are sure.

    Raises:
        ValueError: a weight or a number below 0, or a probability out of range.
    """

    def __init__(
        self,
        auxiliary: float = 0.4,
        *,
        ignore: int = -1,
        hard: float | None = None,
        least: int = 100_000,
    ) -> None:
        super().__init__()
        if auxiliary < 0:
            raise ValueError(f"auxiliary must not be below 0, got {auxiliary!r}")
        if hard is not None and not 0 < hard <= 1:
            raise ValueError(f"hard must be a probability in (0, 1], got {hard!r}")
        if least < 1:
            raise ValueError(f"least must be at least 1, got {least!r}")
        self._auxiliary, self._ignore, self._least = auxiliary, ignore, least
        self._limit = None if hard is None else -math.log(hard)

    def hybrid_forward(self, F: Any, scores: Any, labels: Any) -> Any:
        """Gives a loss ``(1,)``.

        Args:
            F: MXNet's namespace.
            scores: A tuple of ``(N, L, h, w)``, the main head's first, or those alone.
            labels: Class indices ``(N, H, W)``.
        """
        main, *others = scores if isinstance(scores, (list, tuple)) else (scores,)
        loss = self._mean(F, main, labels)
        for other in others if self._auxiliary else ():
            loss = loss + self._auxiliary * self._mean(F, other, labels)
        return loss

    def _mean(self, F: Any, scores: Any, labels: Any) -> Any:
        like = F.expand_dims(labels, axis=1)
        scores = F.contrib.BilinearResize2D(scores, F.cast(like, "float32"), mode="like")
        entropy = -F.pick(F.log_softmax(scores, axis=1), labels, axis=1)
        counted = F.cast(labels != self._ignore, "float32")  # whatever the labels are
        entropy = F.where(counted, entropy, F.zeros_like(entropy))
        if self._limit is not None:
            counted = counted * self._hard(F, entropy)
        return F.sum(entropy * counted) / F.broadcast_maximum(F.sum(counted), F.ones((1,)))

    def _hard(self, F: Any, entropy: Any) -> Any:
        """1 where a pixel counts, by its entropy."""
        hardest = F.sort(F.reshape(F.BlockGrad(entropy), (-1,)), axis=0, is_ascend=False)
        last = F.min(F.slice(hardest, begin=(0,), end=(self._least,)))
        return F.broadcast_greater_equal(entropy, F.clip(last, 0, self._limit))
