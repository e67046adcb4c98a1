"""Heads that turn a backbone's last feature into class scores."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, Dropout, GlobalAvgPool2D


class PooledLinearHead(HybridBlock):
    """Global average pooling, dropout if asked for, and one dense layer."""

    def __init__(
        self,
        in_channels: int,
        classes: int,
        *,
        pool: HybridBlock | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.pool = GlobalAvgPool2D() if pool is None else pool
        self.dropout = Dropout(dropout) if dropout else None
        self.output = Dense(classes, in_units=in_channels)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, C, H, W)`` to scores ``(N, classes)``."""
        x = self.pool(x)
        if self.dropout is not None:
            x = self.dropout(x)
        return self.output(x)
