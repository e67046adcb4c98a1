"""Dropout of squares of cells in place of single ones."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock

SQUARE = 3  # side of what is dropped at once


class DropBlock(HybridBlock):
    """Drops squares of 3 by 3 cells in training; the identity in inference.

    Ghiasi et al., 2018, https://arxiv.org/abs/1810.12890. The squares are the same for all images
    of a batch, and what is left is scaled up by what was dropped.

    Args:
        rate: Expected share of the cells that are dropped, where squares do not overlap.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self._rate = rate / SQUARE**2  # of the squares' middles, which lie anywhere
        self._options = {"kernel": (SQUARE,) * 2, "pad": (SQUARE // 2,) * 2, "pool_type": "sum"}

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, C, H, W)`` to the same shape."""
        # Dropout alone knows whether this is training, in a graph too: what it leaves is above 0.
        left = F.Dropout(F.ones_like(F.slice_axis(x, axis=0, begin=0, end=1)), p=self._rate)
        kept = F.Pooling(left == 0, **self._options) == 0
        scale = 1 / F.maximum(F.mean(kept, keepdims=True), 1e-3)
        return F.broadcast_mul(x, F.broadcast_mul(kept, scale))
