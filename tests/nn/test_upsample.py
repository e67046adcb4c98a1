"""Blocks that make features finer."""

from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import BatchNorm

from toolkit.nn.deformable import DeformableConv
from toolkit.nn.upsample import (
    DeconvUpsample,
    IterativeAggregation,
    conv3x3,
    enlarge,
    shuffle_upsample,
)

X = np.random.default_rng(1).normal(size=(2, 4, 5, 6)).astype("float32")


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("factor", [2, 4])
def test_enlarging_begins_as_bilinear_interpolation(factor: int, groups: int) -> None:
    block = enlarge(4, factor, groups=groups)
    block.initialize()
    y = block(mx.nd.array(X)).asnumpy()
    assert y.shape == (2, 4, 5 * factor, 6 * factor)
    # Pixel centres are half a pixel in: between those of two pixels the values change evenly.
    rows = (np.arange(5 * factor) + 0.5) / factor - 0.5
    columns = (np.arange(6 * factor) + 0.5) / factor - 0.5
    inner = np.ix_((rows >= 0) & (rows <= 4), (columns >= 0) & (columns <= 5))
    along = np.stack(
        [[np.interp(columns, range(6), line) for line in image] for image in X.reshape(8, 5, 6)]
    )
    expected = np.stack(
        [[np.interp(rows, range(5), line) for line in image.T] for image in along]
    ).transpose(0, 2, 1)
    for ours, theirs in zip(y.reshape(8, *y.shape[2:]), expected, strict=True):
        np.testing.assert_allclose(ours[inner], theirs[inner], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("deformable", [False, True])
def test_a_deconvolution_doubles_the_size(deformable: bool, same_everywhere: Callable) -> None:
    block = DeconvUpsample(4, 3, deformable=deformable)
    y = same_everywhere(block, X)
    assert y.shape == (2, 3, 10, 12)
    assert y.min() == 0 < y.max()
    assert isinstance(block.conv.conv, DeformableConv) == deformable


def test_a_shuffle_makes_pixels_of_channels(same_everywhere: Callable) -> None:
    block = shuffle_upsample(4, 3)
    y = same_everywhere(block, X)
    assert y.shape == (2, 3, 10, 12)
    before = block[0](mx.nd.array(X)).asnumpy()
    assert before.shape == (2, 12, 5, 6)
    for channel, row, column in np.ndindex(3, 2, 2):
        np.testing.assert_array_equal(
            y[:, channel, row::2, column::2], before[:, 4 * channel + 2 * row + column]
        )


def test_aggregation_adds_what_is_coarser() -> None:
    block = IterativeAggregation((4, 6, 8), 4, (2, 4))
    block.initialize()
    features = [mx.nd.random.normal(shape=s) for s in ((1, 4, 8, 8), (1, 6, 4, 4), (1, 8, 2, 2))]
    first, second, third = block(*features)
    assert first is features[0]
    up = [block.ups[i](block.projections[i](features[i + 1])) for i in range(2)]
    np.testing.assert_array_equal(second.asnumpy(), block.nodes[0](up[0] + first).asnumpy())
    np.testing.assert_array_equal(third.asnumpy(), block.nodes[1](up[1] + second).asnumpy())


def test_the_3x3_has_a_bias_and_a_norm() -> None:
    keys = set(conv3x3(2, 3, norm=BatchNorm, deformable=False)._collect_params_with_prefix())
    assert {"conv.weight", "conv.bias", "norm.gamma"} <= keys
