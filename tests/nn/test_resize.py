"""Bilinear interpolation, against OpenCV's and against a definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.nn.resize import rescale, resize_like


class Like(HybridBlock):
    def __init__(self, align_corners: bool) -> None:
        super().__init__()
        self.corners = align_corners

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        wide = F.concat(x, x, x, dim=3)
        return resize_like(F, x, F.concat(wide, wide, dim=2), align_corners=self.corners)


class Scaled(HybridBlock):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return rescale(F, x, self.factor)


def features(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, 3, height, width)).astype(np.float32)


def line(count: int, length: int) -> np.ndarray:
    """Weights of ``count`` cells for ``length`` cells between the same middles of corners."""
    at = np.linspace(0, count - 1, length)
    return np.maximum(1 - np.abs(at[:, None] - np.arange(count)), 0)


@pytest.mark.parametrize(("height", "width"), [(5, 4), (1, 1), (1, 6)])
def test_with_corners_aligned(height: int, width: int, same_everywhere: Callable) -> None:
    x = features(height, width)
    found = same_everywhere(Like(True), x)
    expected = np.einsum("hi,ncij,wj->nchw", line(height, 2 * height), x, line(width, 3 * width))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_without_it_is_opencvs(same_everywhere: Callable) -> None:
    x = features(5, 4)
    found = same_everywhere(Like(False), x)
    for image, result in zip(x.reshape(-1, 5, 4), found.reshape(-1, 10, 12), strict=True):
        expected = cv2.resize(image, (12, 10), interpolation=cv2.INTER_LINEAR)
        np.testing.assert_allclose(result, expected, atol=1e-5)


@pytest.mark.parametrize(("factor", "size"), [(2, (10, 14)), (0.5, (2, 3))])
def test_by_a_factor_sizes_are_rounded_down(
    factor: float, size: tuple[int, int], same_everywhere: Callable
) -> None:
    x = features(5, 7)
    found = same_everywhere(Scaled(factor), x)
    expected = np.einsum("hi,ncij,wj->nchw", line(5, size[0]), x, line(7, size[1]))
    np.testing.assert_allclose(found, expected, atol=1e-5)
