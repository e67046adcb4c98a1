"""Heads that score the cells of a grid."""

from __future__ import annotations

from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.model_zoo.tasks.segmentation_heads import (
    AtrousPyramid,
    DeepLabHead,
    DeepLabPlusHead,
    FCNHead,
    JoinedHead,
    PSPHead,
)

CHANNELS, STRIDES = (8, 12, 16), (4, 8, 16)


@pytest.fixture
def features() -> list[mx.nd.NDArray]:
    sizes = zip(CHANNELS, (12, 6, 3), (20, 10, 5), strict=True)
    return [mx.nd.random.normal(shape=(2, *size)) for size in sizes]


@pytest.mark.parametrize(
    ("head", "size"),
    [
        (FCNHead, (3, 5)),
        (PSPHead, (3, 5)),
        (DeepLabHead, (3, 5)),
        (DeepLabPlusHead, (12, 20)),
        (JoinedHead, (12, 20)),
    ],
)
def test_scores_are_on_the_grid_of_one_feature(
    head: type[HybridBlock], size: tuple[int, int], features: list[mx.nd.NDArray]
) -> None:
    net = head(SimpleNamespace(channels=CHANNELS, strides=STRIDES), 7)
    net.initialize()
    assert net(*features).shape == (2, 7, *size)


@pytest.mark.parametrize(("stride", "rates"), [(8, [12, 24, 36]), (16, [6, 12, 18])])
def test_dilated_views_look_as_far_at_any_stride(stride: int, rates: list[int]) -> None:
    net = AtrousPyramid(8, stride, channels=4)
    dilations = [view.conv._kwargs["dilate"] for view in list(net.views)[1:]]
    assert dilations == [(rate, rate) for rate in rates]
    assert net.channels == 20


@pytest.mark.parametrize("mean_first", [False, True])
def test_one_view_is_the_mean_of_all(mean_first: bool) -> None:
    net = AtrousPyramid(8, 32, channels=4, mean_first=mean_first)
    net.initialize()
    x = mx.nd.random.normal(shape=(1, 8, 5, 6))
    found = net(x)
    mean, first = (found[:, :4], found[:, 4:8]) if mean_first else (found[:, 16:], found[:, :4])
    expected = net.mean(x).asnumpy()
    np.testing.assert_allclose(mean.asnumpy(), np.broadcast_to(expected, (1, 4, 5, 6)), atol=1e-6)
    np.testing.assert_allclose(first.asnumpy(), net.views[0](x).asnumpy(), atol=1e-6)
