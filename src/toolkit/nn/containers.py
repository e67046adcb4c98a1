"""Blocks one after the other, and side by side."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import HybridSequential


def sequence(*blocks: HybridBlock) -> HybridSequential:
    """A ``HybridSequential`` of the given blocks."""
    chain = HybridSequential()
    chain.add(*blocks)
    return chain


class Branches(HybridSequential):
    """Gives its one input to each of its blocks and joins their results along the channels."""

    def __init__(self, *blocks: HybridBlock) -> None:
        super().__init__()
        self.add(*blocks)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, C, H, W)`` to ``(N, C', H', W')``, C' the sum of the blocks' channels."""
        return F.concat(*(block(x) for block in self._children.values()), dim=1)
