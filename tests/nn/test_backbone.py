from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import Conv2D, HybridLambda, MaxPool2D

from toolkit.nn import Backbone, Stages
from toolkit.utils.testing import assert_is_backbone


def add(number: int) -> HybridLambda:
    """A block that adds so much."""
    return HybridLambda(lambda F, x: x + number)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [([[1], [10]], [1, 11]), ([[], [1, 10], [100]], [0, 11, 111]), ([[1, 10, 100]], [111])],
)
def test_what_each_row_ends_with_is_a_feature(rows: list[list[int]], expected: list[int]) -> None:
    stages = Stages([[add(number) for number in row] for row in rows])
    features = stages(mx.nd.zeros((1,)))
    assert [feature.asscalar() for feature in features] == expected
    assert len(stages) == sum(map(len, rows))
    stages.hybridize()
    assert [feature.asscalar() for feature in stages(mx.nd.zeros((1,)))] == expected


class Small(Backbone):
    """Two stages between a stem and a last convolution."""

    channels = (4, 8)
    strides = (1, 2)
    _dropout = 0.25

    def __init__(self) -> None:
        super().__init__()
        self.stem = Conv2D(4, 1, in_channels=3)
        self.stages = Stages([[Conv2D(4, 1, in_channels=4)], [MaxPool2D(2, 2)]])
        self.last = Conv2D(8, 1, in_channels=4)


def test_blocks_run_in_order_and_those_after_the_stages_finish_the_last_feature() -> None:
    net = Small()
    assert_is_backbone(Small, (1, 3, 8, 8))
    net.initialize(mx.init.Normal(1))
    x = mx.nd.random.normal(shape=(1, 3, 8, 8))
    fine = net.stages[0](net.stem(x))
    coarse = net.last(net.stages[1](fine))
    for found, expected in zip(net(x), (fine, coarse), strict=True):
        np.testing.assert_array_equal(found.asnumpy(), expected.asnumpy())


def test_the_usual_classifier_pools_the_last_feature() -> None:
    head = Small().head(5)
    assert head.dropout._rate == pytest.approx(0.25)
    assert head.output.weight.shape == (5, 8)
