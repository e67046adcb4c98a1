from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_model
from toolkit.model_zoo.registry import BACKBONES


def test_only_the_last_feature_is_activated() -> None:
    net = BACKBONES.create("resnet18_v2")
    net.initialize(mx.init.Xavier())
    *sums, last = (f.asnumpy() for f in net(mx.nd.random.normal(shape=(1, 3, 64, 64))))
    assert all(feature.min() < 0 for feature in sums)
    assert last.min() == 0 < last.max()


def test_images_are_normalized_without_scale() -> None:
    net = BACKBONES.create("resnet18_v2")
    first = net.stem[0]
    assert (first.gamma.grad_req, first.beta.grad_req) == ("null", "null")
    assert first.running_mean.shape == (3,)


@pytest.mark.parametrize("name", ["resnet18_v2", "resnet50_v2"])
def test_units_can_begin_as_identities(name: str) -> None:
    unit = BACKBONES.create(name, zero_last_gamma=True).stages[1][1]
    unit.initialize(mx.init.Xavier())
    x = mx.nd.random.normal(shape=(1, unit.norm.gamma.shape[0], 4, 4))
    np.testing.assert_array_equal(unit(x).asnumpy(), x.asnumpy())


def test_squeeze_excitation_gates_each_unit() -> None:
    net = BACKBONES.create("se_resnet50_v2")
    gated = [unit.attention.squeeze.weight.shape for stage in net.stages for unit in stage]
    assert gated == [(16, 256)] * 3 + [(32, 512)] * 4 + [(64, 1024)] * 6 + [(128, 2048)] * 3


def test_the_size_is_that_of_the_paper() -> None:
    params = get_model("resnet50_v2").collect_params().values()
    assert sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null") == 25_549_480
