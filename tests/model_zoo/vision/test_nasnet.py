from __future__ import annotations

from functools import partial

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import BatchNorm, MaxPool2D

from toolkit.model_zoo import get_model, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.vision.nasnet import FactorizedReduction, NASNet, NASNetConfig, Shifted
from toolkit.utils.testing import assert_is_backbone


def test_a_narrow_one_is_a_backbone() -> None:
    assert_is_backbone(partial(NASNet, NASNetConfig(1, 4)))


@pytest.mark.parametrize("name", ["nasnet_4_1056", "nasnet_5_1538", "nasnet_7_1920"])
def test_the_name_tells_depth_and_channels(name: str) -> None:
    _, depth, channels = name.split("_")
    net = BACKBONES.create(name)
    assert [len(stage) for stage in net.stages] == [int(depth), int(depth) + 1, int(depth) + 1]
    assert net.channels[-1] == int(channels) // 24 * 24


def test_the_size_is_that_of_the_paper() -> None:
    params = get_model("nasnet_4_1056").collect_params().values()
    size = sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null")
    assert size / 1e6 == pytest.approx(5.3, abs=0.05)


def test_files_with_the_auxiliary_classifier_fit() -> None:
    (table,) = model_info("nasnet_4_1056").renames
    assert table.ignores("out_aux.0.weight")


def test_shifted_windows_begin_one_pixel_earlier() -> None:
    x = mx.nd.arange(16).reshape((1, 1, 4, 4))
    usual = MaxPool2D(3, 2, 1)(x).asnumpy()
    shifted = Shifted(MaxPool2D(3, 2, 1))(x).asnumpy()
    assert usual.ravel().tolist() == [5, 7, 13, 15]
    assert shifted.ravel().tolist() == [10, 11, 14, 15]


@pytest.mark.parametrize(("side", "half"), [(8, 4), (7, 4)])
def test_halving_takes_the_pixels_of_both_diagonals(side: int, half: int) -> None:
    block = FactorizedReduction(1, 2, norm=BatchNorm)
    block.initialize(mx.init.One())
    x = mx.nd.random.uniform(shape=(1, 1, side, side))
    y = block(x).asnumpy()
    assert y.shape == (1, 2, half, half)
    padded = np.pad(x.asnumpy()[0, 0], ((0, 1), (0, 1)))
    np.testing.assert_allclose(y[0, 0], x.asnumpy()[0, 0, ::2, ::2], rtol=1e-4)
    np.testing.assert_allclose(y[0, 1], padded[1::2, 1::2][:half, :half], rtol=1e-4)
