from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import Dropout

from toolkit.model_zoo import get_model
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.vision.cifar_wideresnet import CIFARWideResNet, CIFARWideResNetConfig
from toolkit.utils.testing import assert_is_backbone


def test_a_narrow_one_is_a_backbone() -> None:
    assert_is_backbone(lambda: CIFARWideResNet(CIFARWideResNetConfig(1, 2)), (1, 3, 32, 32))


@pytest.mark.parametrize(("depth", "width"), [(16, 10), (28, 10), (40, 8)])
def test_the_name_tells_depth_and_width(depth: int, width: int) -> None:
    net = get_model(f"cifar_wideresnet{depth}_{width}")
    params = net._collect_params_with_prefix()
    deep = [k for k in params if k.endswith("weight") and ".shortcut." not in k]
    assert len(deep) == depth - 2  # the paper counts two of the shortcuts
    assert net.backbone.channels == (16 * width, 32 * width, 64 * width)


def test_the_size_is_that_of_the_paper() -> None:
    params = get_model("cifar_wideresnet28_10").collect_params().values()
    size = sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null")
    assert size / 1e6 == pytest.approx(36.5, abs=0.05)


def test_dropout_stands_between_the_convolutions() -> None:
    unit = BACKBONES.create("cifar_wideresnet16_10", dropout=0.3).stages[0][0]
    assert isinstance(unit.body[0].act[1], Dropout)
    unit.initialize(mx.init.Xavier())
    x = mx.nd.random.normal(shape=(1, 16, 4, 4))
    usual = unit(x).asnumpy()
    with mx.autograd.train_mode():
        assert not np.allclose(unit(x).asnumpy(), usual)
