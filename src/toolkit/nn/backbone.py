"""What vision backbones share: a way to their features, and the usual classifier on the last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import GlobalAvgPool2D, HybridSequential

from toolkit.nn.head import PooledLinearHead


class Stages(HybridSequential):
    """Rows of blocks, all one after the other; what each row ends with is a feature.

    Blocks are numbered through. A row may be empty: then what it gets is its feature.

    Args:
        rows: The blocks, a row a feature.
    """

    def __init__(self, rows: Iterable[Sequence[HybridBlock]]) -> None:
        super().__init__()
        self._depths = []
        for row in rows:
            self.add(*row)
            self._depths.append(len(row))

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Maps ``(N, C, H, W)`` to a list of as many features as there are rows."""
        features, blocks = [], iter(self._children.values())
        for depth in self._depths:
            for block in islice(blocks, depth):
                x = block(x)
            features.append(x)
        return features


class Backbone(HybridBlock):
    """Abstract: maps ``(N, 3, H, W)`` images to a list of features, finest first.

    The blocks of a backbone run in the order they were set: those before its ``Stages`` lead to
    them, those after finish the last feature. A family takes a row of its ``VARIANTS`` and, where
    it normalizes, ``norm``, which makes the normalizations, given ``in_channels``.

    Attributes:
        channels: Channels of each feature.
        strides: Pixels of the image to a cell of each feature.
    """

    channels: tuple[int, ...]
    strides: tuple[int, ...]
    _dropout = 0.0  # rate before the classifier
    _pool: Callable[[], HybridBlock] = GlobalAvgPool2D

    def hybrid_forward(self, F: Any, x: Any) -> list[Any]:
        """Gives features of ``channels`` at ``strides``."""
        features: list[Any] = []
        for block in self._children.values():
            if isinstance(block, Stages):
                *features, x = block(x)
            else:
                x = block(x)
        return [*features, x]

    def head(self, classes: int) -> HybridBlock:
        """The published classifier on the last feature."""
        pool = self._pool()
        return PooledLinearHead(self.channels[-1], classes, pool=pool, dropout=self._dropout)
