from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_model
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.vision.xception import XceptionUnit


def shapes(name: str, **options: int) -> list[tuple[int, ...]]:
    """What the features of a 256x256 image look like."""
    features = BACKBONES.create(name, **options)(mx.sym.var("data"))
    _, found, _ = mx.sym.Group(features).infer_shape(data=(1, 3, 256, 256))
    return [shape[1:] for shape in found]


@pytest.mark.parametrize(("name", "separable"), [("xception", 63), ("xception71", 68)])
def test_the_number_of_weights(name: str, separable: int) -> None:
    """Two plain convolutions, two weights of each separable one, the classifier."""
    keys = get_model(name)._collect_params_with_prefix()
    on_the_way = [k for k in keys if k.endswith(".weight") and ".shortcut." not in k]
    assert sum(".depthwise.conv" in k for k in on_the_way) == separable
    assert len(on_the_way) == 2 + 2 * separable + 1


@pytest.mark.parametrize(
    ("output_stride", "sides"),
    [(32, (128, 64, 32, 16, 8)), (16, (128, 64, 32, 16, 16)), (8, (128, 64, 32, 32, 32))],
)
def test_units_dilate_where_they_do_not_stride(output_stride: int, sides: tuple[int, ...]) -> None:
    channels = (64, 128, 256, 728, 2048)
    found = shapes("xception", output_stride=output_stride)
    assert found == [(c, side, side) for c, side in zip(channels, sides, strict=True)]
    net = BACKBONES.create("xception", output_stride=output_stride)
    assert net.channels == channels
    assert net.strides == tuple(256 // side for side in sides)
    assert [conv.depthwise.conv._kwargs["dilate"] for conv in net.last] == [
        (32 // output_stride,) * 2
    ] * 3


def test_the_deeper_one_strides_once_more() -> None:
    channels, sides = (64, 256, 256, 728, 728, 2048), (128, 64, 32, 16, 8, 4)
    assert shapes("xception71") == [(c, s, s) for c, s in zip(channels, sides, strict=True)]


def test_other_output_strides_are_refused() -> None:
    with pytest.raises(ValueError, match="output_stride must be 32, 16 or 8, got 64"):
        BACKBONES.create("xception", output_stride=64)
    with pytest.raises(ValueError, match="output_stride must be 64, 32 or 16, got 8"):
        BACKBONES.create("xception71", output_stride=8)


@pytest.mark.parametrize("stride", [1, 2])
def test_units_add_a_shortcut(stride: int) -> None:
    unit = XceptionUnit(4, (4, 4), norm=mx.gluon.nn.BatchNorm, stride=stride)
    unit.initialize(mx.init.Xavier())
    x = mx.nd.random.normal(shape=(1, 4, 8, 8))
    assert (unit.shortcut is None) == (stride == 1)
    shortcut = x if stride == 1 else unit.shortcut(x)
    np.testing.assert_array_equal(unit(x).asnumpy(), (unit.body(x) + shortcut).asnumpy())
