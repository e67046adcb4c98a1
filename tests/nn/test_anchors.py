"""Anchors: shapes, places, and the part of the grid that a feature gets."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.nn.anchors import (
    AnchorGrid,
    LevelAnchors,
    anchor_shapes,
    grid_anchors,
    rectangles,
    region_anchors,
)


def test_shapes_have_the_area_and_the_ratio() -> None:
    shapes = np.array(anchor_shapes(30, 60, (1, 2, 0.5)))
    np.testing.assert_allclose(shapes[:2], [[30, 30], [1800**0.5] * 2])
    np.testing.assert_allclose(shapes[2:].prod(1), 900)
    np.testing.assert_allclose(shapes[2:, 0] / shapes[2:, 1], [2, 0.5])
    assert len(rectangles(10, ())) == 0


def test_a_grid_has_its_anchors_in_the_middle_of_cells() -> None:
    anchors = grid_anchors(((10, 20), (30, 30)), 8, (2, 3))
    assert anchors.shape == (2, 3, 2, 4)
    assert anchors[0, 0, 0].tolist() == [4, 4, 10, 20]
    assert anchors[1, 2, 1].tolist() == [20, 12, 30, 30]


@pytest.mark.parametrize("hybrid", [False, True])
def test_a_feature_gets_the_upper_left_part(hybrid: bool) -> None:
    grid = grid_anchors(((10, 20), (30, 30)), 8, (4, 5))
    net = AnchorGrid(grid)
    net.initialize()
    if hybrid:
        net.hybridize()
    result = net(mx.nd.zeros((3, 7, 2, 3))).asnumpy()
    np.testing.assert_array_equal(result, grid[:2, :3].reshape(1, -1, 4))


def test_regions_anchors_are_rounded_squares_stretched() -> None:
    anchors = region_anchors(16, (32, 64), (0.5, 1, 2), (3, 4))
    assert anchors.shape == (3, 4, 6, 4)
    assert anchors.dtype == np.float32
    # 23 by 12 pixels have about the area of 16 by 16; the centre is that of pixels 0 to 15.
    first = [7.5 - 22.5, 7.5 - 11.5, 7.5 + 22.5, 7.5 + 11.5]
    np.testing.assert_array_equal(anchors[0, 0, 0], first)
    sides = anchors[0, 0, :, 2:] - anchors[0, 0, :, :2] + 1
    expected = [[46, 24], [92, 48], [32, 32], [64, 64], [22, 44], [44, 88]]
    np.testing.assert_array_equal(sides, expected)
    shift = anchors[2, 3] - anchors[0, 0]
    np.testing.assert_array_equal(shift, np.broadcast_to([48, 32, 48, 32], (6, 4)))


def test_anchors_of_levels_are_those_of_their_grids() -> None:
    grids = [region_anchors(4 << i, (16 << i,), (1.0, 2.0), (6, 6)) for i in (0, 1)]
    anchors = LevelAnchors(grids, {8: (2, 1), 20: (5, 3)})((8, 20))
    expected = [AnchorGrid(grid) for grid in grids]
    for grid in expected:
        grid.initialize()
    pairs = zip(expected, [(2, 5), (1, 3)], strict=True)
    parts = [grid(mx.nd.zeros((1, 1, *cells))) for grid, cells in pairs]
    np.testing.assert_array_equal(anchors, mx.nd.concat(*parts, dim=1)[0].asnumpy())
    with pytest.raises(ValueError, match=r"no anchors are known for sides of 9 pixels.*8, 20"):
        LevelAnchors(grids, {8: (2, 1), 20: (5, 3)})((8, 9))
