from __future__ import annotations

import mxnet as mx
import pytest

from toolkit.model_zoo.registry import BACKBONES

SMALL = {
    "depths": (1,) * 6,
    "widths": ((4, 4), (6, 6), (8, 8), (8, 10), (4, 6, 12), (6, 8, 16)),
}


@pytest.mark.parametrize(
    ("output_stride", "strides"), [(32, (2, 4, 8, 16, 32, 32)), (8, (2, 4, 8, 8, 8, 8))]
)
def test_features_are_those_of_six_stages(output_stride: int, strides: tuple[int, ...]) -> None:
    net = BACKBONES.create("wide_resnet38", output_stride=output_stride, **SMALL)
    net.initialize()
    assert net.strides == strides
    shapes = [feature.shape for feature in net(mx.nd.zeros((1, 3, 64, 32)))]
    assert shapes == [
        (1, channels, 64 // stride, 32 // stride)
        for channels, stride in zip((4, 6, 8, 10, 12, 16), strides, strict=True)
    ]


def test_where_it_does_not_stride_it_dilates() -> None:
    net = BACKBONES.create("wide_resnet38", output_stride=8, **SMALL)
    last = {index: net.stages[index][0].body for index in (4, 5, 6, 7)}
    dilations = [last[4][0].conv, last[5][0].conv, last[6][1].conv, last[7][1].conv]
    assert [conv._kwargs["dilate"][0] for conv in dilations] == [1, 2, 4, 4]
    assert last[6][0].conv._kwargs["dilate"] == (1, 1)  # of one cell


def test_its_size_is_that_of_the_published_network() -> None:
    net = BACKBONES.create("wide_resnet38")
    assert net.channels == (128, 256, 512, 1024, 2048, 4096)
    kinds = {type(block).__name__ for block in net.stages[6][0].body}
    assert kinds == {"ConvNormAct", "Dropout", "Conv2D"}


def test_an_unknown_output_stride_is_refused() -> None:
    with pytest.raises(ValueError, match="output_stride must be 8, 16 or 32, got 4"):
        BACKBONES.create("wide_resnet38", output_stride=4)
