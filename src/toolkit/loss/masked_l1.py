"""Absolute error at some cells of a map."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock


class MaskedL1Loss(HybridBlock):
    """Sum of absolute errors where there is something to predict, over the number of such cells.

    Where there is none, it is 0. As CenterNet has it for sizes and offsets: Zhou et al., 2019,
    https://arxiv.org/abs/1904.07850, equations 2 and 3.
    """

    def hybrid_forward(self, F: Any, values: Any, targets: Any, mask: Any) -> Any:
        """Gives a loss ``(1,)``.

        Args:
            F: MXNet's namespace.
            values: ``(N, C, H, W)``.
            targets: ``(N, C, H, W)``; only those within the mask are looked at.
            mask: ``(N, 1, H, W)``, 1 or 0.
        """
        # Masked before, not after: a target of what is no object may be anything, even NaN.
        chosen = F.broadcast_like(mask, values)
        error = F.where(chosen, values - targets, F.zeros_like(values))
        return F.sum(F.abs(error)) / F.broadcast_maximum(F.sum(mask), F.ones((1,)))
