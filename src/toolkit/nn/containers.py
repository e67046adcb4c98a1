"""Blocks one after the other."""

from __future__ import annotations

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import HybridSequential


def sequence(*blocks: HybridBlock) -> HybridSequential:
    """A ``HybridSequential`` of the given blocks."""
    chain = HybridSequential()
    chain.add(*blocks)
    return chain
