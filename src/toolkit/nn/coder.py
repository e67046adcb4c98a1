"""What a detector predicts in place of a box: its offset from an anchor."""

from __future__ import annotations

from typing import Any

import numpy as np
from mxnet.gluon import HybridBlock

STDS = (0.1, 0.1, 0.2, 0.2)  # of SSD's codes; they bring the four to one scale


def encode_boxes(
    boxes: np.ndarray, anchors: np.ndarray, stds: tuple[float, ...] = STDS
) -> np.ndarray:
    """Codes ``(..., 4)`` of boxes seen from anchors, both as centre x, centre y, width, height.

    The centres' offset over the anchor's size and the logarithms of the sizes' quotients, each
    over its deviation: Girshick et al., 2013, https://arxiv.org/abs/1311.2524, appendix C. Boxes
    and anchors must have area.
    """
    offsets = (boxes[..., :2] - anchors[..., :2]) / anchors[..., 2:]
    scales = np.log(boxes[..., 2:] / anchors[..., 2:])
    return np.concatenate([offsets, scales], -1) / np.asarray(stds, boxes.dtype)


def decode_boxes(
    codes: np.ndarray, anchors: np.ndarray, stds: tuple[float, ...] = STDS
) -> np.ndarray:
    """The inverse of ``encode_boxes``."""
    codes = codes * np.asarray(stds, codes.dtype)
    centers = codes[..., :2] * anchors[..., 2:] + anchors[..., :2]
    return np.concatenate([centers, np.exp(codes[..., 2:]) * anchors[..., 2:]], -1)


class BoxDecoder(HybridBlock):
    """Turns codes and anchors into corners.

    Args:
        stds: Deviations of the four codes.
        corners: The anchors are given as corners, not as centre and size.
        clip: Largest logarithm of a size's quotient; None for no limit.
    """

    def __init__(
        self,
        stds: tuple[float, ...] = STDS,
        *,
        corners: bool = False,
        clip: float | None = None,
    ) -> None:
        super().__init__()
        self._options: dict[str, Any] = {f"std{i}": std for i, std in enumerate(stds)}
        self._options["clip"] = -1 if clip is None else clip
        self._options["format"] = "corner" if corners else "center"

    def hybrid_forward(self, F: Any, codes: Any, anchors: Any) -> Any:
        """Maps codes ``(N, R, 4)`` and anchors ``(1 or N, R, 4)`` to corners ``(N, R, 4)``."""
        return F.contrib.box_decode(codes, anchors, **self._options)
