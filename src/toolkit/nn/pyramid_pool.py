"""Pyramid pooling: Zhao et al., 2016, https://arxiv.org/abs/1612.01105."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm

from toolkit.nn.containers import sequence
from toolkit.nn.conv import ConvNormAct, Norm
from toolkit.nn.pool import AdaptiveAvgPool
from toolkit.nn.resize import resize_like

GRIDS = (1, 2, 3, 6)  # cells to a side of what a feature is pooled to


class PyramidPool(HybridBlock):
    """Beside each cell of a feature, what is around it: means over grids of several sizes.

    Args:
        in_channels: Channels of the feature, a multiple of the number of grids.
        grids: Cells to a side of each.
        norm: Makes the normalizations, given ``in_channels``.

    Attributes:
        channels: Of the result: those of the feature, and as many of all grids together.
    """

    def __init__(
        self, in_channels: int, *, grids: tuple[int, ...] = GRIDS, norm: Norm = BatchNorm
    ) -> None:
        super().__init__()
        each = in_channels // len(grids)
        self.channels = in_channels + each * len(grids)
        self.grids = sequence(
            *(
                sequence(AdaptiveAvgPool(cells), ConvNormAct(in_channels, each, norm=norm))
                for cells in grids
            )
        )

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, channels, H, W)``."""
        return F.concat(x, *(resize_like(F, grid(x), x) for grid in self.grids), dim=1)
