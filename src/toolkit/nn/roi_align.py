"""Features of regions: He et al., 2017, https://arxiv.org/abs/1703.06870, section 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mxnet.gluon import HybridBlock

CANONICAL = (224.0, 16)  # side of the regions, in pixels, that are looked up at this stride
SAMPLES = 2  # each way, of which a cell is the mean
SPARE = (
    16  # rows; enough where regions are fewer than 16 times the numbers of one region's features
)


class RoIAlign(HybridBlock):
    """Samples each region from the feature that suits its size, bilinearly.

    Which one that is: Lin et al., 2016, https://arxiv.org/abs/1612.03144, equation 1.

    Args:
        size: Cells of a region, each way.
        strides: Pixels to a cell of each feature, finest first, each twice the one before.

    Raises:
        ValueError: there are no strides, or they do not double.
    """

    def __init__(self, size: int, strides: Sequence[int]) -> None:
        super().__init__()
        self.size = size
        self.levels = len(strides)  # features that are looked at
        self._strides = tuple(strides)
        if not self._strides or any(s != strides[0] << i for i, s in enumerate(strides)):
            raise ValueError(f"strides must double from one feature to the next, got {strides}")

    def hybrid_forward(self, F: Any, rois: Any, *features: Any) -> Any:
        """Maps regions ``(N, R, 4)``, corners in pixels, to features ``(N * R, C, size, size)``.

        Features beyond the strides are not looked at.
        """
        images = F.broadcast_like(
            F.reshape(F.contrib.arange_like(rois, axis=0), (-1, 1, 1)),
            F.slice_axis(rois, axis=2, begin=0, end=1),
        )
        rows = F.reshape(F.concat(images, rois, dim=2), (-1, 5))
        if len(self._strides) == 1:
            return self._pool(F, features[0], rows, self._strides[0])
        # On a CPU the operator passes by a row whose image is below 0, leaves its result as memory
        # was, and writes a zero to where the row's number is counted in numbers of all results, not
        # in rows of them. Those numbers belong to rows that are put before and never read.
        spare = F.zeros_like(F.slice_axis(rows, axis=0, begin=0, end=1))
        rows = F.concat(F.broadcast_axis(spare, axis=0, size=SPARE), rows, dim=0)
        levels, result = self._levels(F, rows), None
        for level, stride in enumerate(self._strides):
            chosen = levels == level
            rows_here = F.where(F.broadcast_like(chosen, rows), rows, -F.ones_like(rows))
            pooled = self._pool(F, features[level], rows_here, stride)
            result = pooled if result is None else F.where(F.reshape(chosen, (-1,)), pooled, result)
        return F.slice_axis(result, axis=0, begin=SPARE, end=None)

    def _pool(self, F: Any, feature: Any, rows: Any, stride: int) -> Any:
        size = (self.size,) * 2
        return F.contrib.ROIAlign(feature, rows, size, 1.0 / stride, sample_ratio=SAMPLES)

    def _levels(self, F: Any, rows: Any) -> Any:
        """The place of each region's feature, ``(N * R, 1)``."""
        side, stride = CANONICAL
        corners = (F.slice_axis(rows, axis=1, begin=begin, end=begin + 2) for begin in (1, 3))
        low, high = corners
        # A region is as wide as its pixels, of which the last is counted: Girshick's convention.
        width, height = F.split(high - low + 1, num_outputs=2, axis=1)
        scale = F.log2(F.sqrt(width * height) / side + 1e-6)
        offset = (stride // self._strides[0]).bit_length() - 1
        return F.clip(F.floor(scale + offset), 0, len(self._strides) - 1)
