from __future__ import annotations

from functools import partial

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import BatchNorm

from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.vision.residual_attention import (
    AttentionModule,
    Hourglass,
    ResidualAttention,
    ResidualAttentionConfig,
)
from toolkit.utils.testing import assert_is_backbone

SMALL = ResidualAttentionConfig((0, 0, 1), trunk=1)


def test_a_small_one_is_a_backbone() -> None:
    config = ResidualAttentionConfig((0, 1, 1), trunk=1, cifar=True)
    assert_is_backbone(partial(ResidualAttention, config), (1, 3, 16, 16))


def test_the_last_two_stages_for_cifar_have_one_resolution() -> None:
    net = BACKBONES.create("cifar_residualattentionnet56")
    assert (net.channels, net.strides) == ((128, 256, 1024), (1, 2, 4))
    net = BACKBONES.create("residualattentionnet56")
    assert (net.channels, net.strides) == ((256, 512, 1024, 2048), (4, 8, 16, 32))


@pytest.mark.parametrize(
    ("depth", "modules"), [(56, (1, 1, 1)), (92, (1, 2, 3)), (128, (2, 3, 4)), (164, (3, 4, 5))]
)
def test_the_name_tells_the_number_of_modules(depth: int, modules: tuple[int, ...]) -> None:
    stages = list(BACKBONES.create(f"residualattentionnet{depth}").stages)[:3]
    assert tuple(len(stage) - 1 for stage in stages) == modules


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_hourglasses_keep_any_size(levels: int) -> None:
    block = Hourglass(8, levels, 1, norm=BatchNorm)
    block.initialize(mx.init.Xavier())
    for shape in ((1, 8, 16, 16), (1, 8, 13, 18)):
        assert block(mx.nd.random.normal(shape=shape)).shape == shape


@pytest.mark.parametrize("levels", [0, 2])
def test_gates_weigh_the_trunk_between_once_and_twice(levels: int) -> None:
    module = AttentionModule(8, levels, config=SMALL, norm=BatchNorm)
    module.initialize(mx.init.Xavier())
    for block in (module.first, module.last):
        block.initialize(mx.init.Zero(), force_reinit=True)  # identities
    module.gate[3].initialize(mx.init.Zero(), force_reinit=True)  # gates of one half
    x = mx.nd.random.normal(shape=(1, 8, 8, 8))
    np.testing.assert_allclose(module(x).asnumpy(), 1.5 * module.trunk(x).asnumpy(), rtol=1e-6)
