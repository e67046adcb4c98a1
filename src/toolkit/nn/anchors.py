"""Anchors: the boxes that a detector starts from at every cell of a feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from mxnet.gluon import HybridBlock

from toolkit.nn.constant import constant


def anchor_shapes(
    low: float, high: float, ratios: Sequence[float]
) -> tuple[tuple[float, float], ...]:
    """Widths and heights of SSD's anchors at one feature: Liu et al., 2015, 1512.02325.

    A square of side ``low``, one of side ``sqrt(low * high)``, and for each ratio but the first
    (which is 1) a box of the first one's area.
    """
    middle = float(np.sqrt(low * high))
    return ((low, low), (middle, middle), *rectangles(low, ratios[1:]))


def rectangles(side: float, ratios: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """Widths and heights of boxes of area ``side ** 2`` whose width over height is each ratio."""
    return tuple((side * float(np.sqrt(r)), side / float(np.sqrt(r))) for r in ratios)


def grid_anchors(
    shapes: Sequence[tuple[float, float]], step: float, cells: tuple[int, int]
) -> np.ndarray:
    """Anchors at every cell, as centre x, centre y, width, height: ``(H, W, A, 4)`` float32.

    Args:
        shapes: Widths and heights, in pixels.
        step: Pixels from one cell to the next; the first centre is at half of it.
        cells: Rows and columns.
    """
    rows, columns = cells
    anchors = np.empty((rows, columns, len(shapes), 4), np.float32)
    anchors[..., 0] = ((np.arange(columns) + 0.5) * step)[None, :, None]
    anchors[..., 1] = ((np.arange(rows) + 0.5) * step)[:, None, None]
    anchors[..., 2:] = np.asarray(shapes, np.float32)
    return anchors


def region_anchors(
    stride: int, sides: Sequence[float], ratios: Sequence[float], cells: tuple[int, int]
) -> np.ndarray:
    """Anchors of region proposals at every cell, as corners: ``(H, W, A, 4)`` float32.

    As the first R-CNNs made them: a square of ``stride`` pixels, the last of them counted, is
    stretched to each ratio, rounded to whole pixels, and then scaled to each side. All ratios of
    one side do not stand together, but all sides of one ratio.

    Args:
        stride: Pixels from one cell to the next.
        sides: Of the square anchors, in pixels.
        ratios: Height over width.
        cells: Rows and columns.
    """
    ratio = np.asarray(ratios, np.float64)
    widths = np.round(stride / np.sqrt(ratio))
    shapes = np.stack([widths, np.round(widths * ratio)], -1)
    shapes = (shapes[:, None] * (np.asarray(sides, np.float64) / stride)[None, :, None]).reshape(
        -1, 2
    )
    half = (shapes - 1) / 2
    base = (stride - 1) / 2 + np.concatenate([-half, half], -1)
    rows, columns = np.indices(cells) * stride
    offsets = np.stack([columns, rows, columns, rows], -1)
    return (offsets[:, :, None] + base).astype(np.float32)


class AnchorGrid(HybridBlock):
    """Gives the anchors of a feature's cells, cut from a grid made once.

    They are a constant of the graph, so that an exported network takes images of any size up to
    that of the grid.

    Args:
        anchors: ``(H, W, A, 4)``, in any form.
    """

    def __init__(self, anchors: np.ndarray) -> None:
        super().__init__()
        rows, columns = anchors.shape[:2]
        self.anchors = constant(self, "anchors", anchors.reshape(1, 1, rows, columns, -1))

    def hybrid_forward(self, F: Any, feature: Any, anchors: Any) -> Any:
        """Maps a feature ``(N, C, H, W)`` to its anchors ``(1, H * W * A, 4)``, row by row."""
        return F.reshape(F.slice_like(anchors, feature, axes=(2, 3)), (1, -1, 4))


@dataclass(frozen=True, eq=False)
class LevelAnchors:
    """The anchors of several features, for images of any sides whose cells are known.

    Called with ``(height, width)`` in pixels it gives ``(A, 4)``, finest feature first, row by row:
    what the features' ``AnchorGrid`` give.

    Raises:
        ValueError: on call, for a side of which the cells are not known.
    """

    grids: Sequence[np.ndarray] = field(repr=False)  # (H, W, A, 4) each
    cells: Mapping[int, Sequence[int]]  # of each feature, along a side of so many pixels

    def __call__(self, size: tuple[int, int]) -> np.ndarray:
        """The anchors for an image of height and width."""
        for side in size:
            if side not in self.cells:
                known = sorted(self.cells)
                raise ValueError(f"no anchors are known for sides of {side} pixels, but of {known}")
        cut = zip(self.grids, *(self.cells[side] for side in size), strict=True)
        return np.concatenate([grid[:rows, :columns].reshape(-1, 4) for grid, rows, columns in cut])
