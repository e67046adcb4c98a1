"""Heads that turn a backbone's last feature into class scores."""

from __future__ import annotations

from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, Dropout, Flatten, GlobalAvgPool2D

from toolkit.nn.containers import sequence
from toolkit.nn.conv import Conv2D
from toolkit.nn.pool import AdaptiveAvgPool


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


class PooledConvHead(HybridBlock):
    """Global average pooling and a 1x1 convolution."""

    def __init__(self, in_channels: int, classes: int, *, use_bias: bool = True) -> None:
        super().__init__()
        self.pool = GlobalAvgPool2D()
        self.output = Conv2D(classes, 1, use_bias=use_bias, in_channels=in_channels)
        self.flatten = Flatten()

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, C, H, W)`` to scores ``(N, classes)``."""
        return self.flatten(self.output(self.pool(x)))


class HiddenLayersHead(HybridBlock):
    """Average pooling to a grid, two dense layers with ReLU and dropout, and one dense layer.

    Args:
        in_channels: Channels of the feature.
        classes: Number of classes.
        cells: Side of the grid; a feature of that size is not changed by the pooling.
        units: Of each hidden layer.
        dropout: Rate after each hidden layer.
        weight_initializer: Of all dense layers.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        *,
        cells: int,
        units: int = 4096,
        dropout: float = 0.5,
        weight_initializer: Any = None,
    ) -> None:
        super().__init__()
        dense = partial(Dense, weight_initializer=weight_initializer)
        self.pool = AdaptiveAvgPool(cells)
        self.hidden = sequence(
            dense(units, activation="relu", in_units=in_channels * cells**2),
            Dropout(dropout),
            dense(units, activation="relu", in_units=units),
            Dropout(dropout),
        )
        self.output = dense(classes, in_units=units)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to scores ``(N, classes)``."""
        return self.output(self.hidden(self.pool(x)))
