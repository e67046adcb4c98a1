"""Squared error of heat maps of joints, as SimplePose has it."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock


class HeatmapMSELoss(HybridBlock):
    """Half of the mean squared error of a picture's heat maps, each joint times its weight.

    Xiao et al., 2018, https://arxiv.org/abs/1804.06208. A joint of weight 0 counts nothing in the
    sum, but its cells do in the mean; its target may be anything, even NaN.
    """

    def hybrid_forward(self, F: Any, maps: Any, targets: Any, weights: Any) -> Any:
        """Gives a loss ``(N,)``.

        Args:
            F: MXNet's namespace.
            maps: ``(N, J, H, W)``.
            targets: ``(N, J, H, W)``.
            weights: ``(N, J)``, of each joint.
        """
        each = F.broadcast_like(F.reshape(weights, (0, 0, 1, 1)), maps)
        # Masked before, not after: the gradient of what is not labelled is 0, not NaN.
        error = F.where(each, maps - targets, F.zeros_like(maps))
        return F.mean(each * F.square(error), axis=0, exclude=True) / 2
