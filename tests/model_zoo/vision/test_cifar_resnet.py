from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_model
from toolkit.model_zoo.registry import BACKBONES


@pytest.mark.parametrize("depth", [20, 56, 110])
@pytest.mark.parametrize("version", [1, 2])
def test_the_name_tells_the_depth(depth: int, version: int) -> None:
    net = get_model(f"cifar_resnet{depth}_v{version}")
    params = net._collect_params_with_prefix()
    deep = [k for k in params if k.endswith("weight") and ".shortcut." not in k]
    assert len(deep) == depth


def test_the_size_is_that_of_the_paper() -> None:
    """0.27 million for 20 layers; shortcuts are projections here."""
    params = get_model("cifar_resnet20_v1").collect_params().values()
    assert sum(int(np.prod(p.shape)) for p in params if p.grad_req != "null") == 272_474


def test_only_the_last_feature_of_v2_is_activated() -> None:
    net = BACKBONES.create("cifar_resnet20_v2")
    net.initialize(mx.init.Xavier())
    *sums, last = (f.asnumpy() for f in net(mx.nd.random.normal(shape=(1, 3, 32, 32))))
    assert all(feature.min() < 0 for feature in sums)
    assert last.min() == 0 < last.max()
