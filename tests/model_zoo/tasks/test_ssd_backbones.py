from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.tasks.ssd_backbones import ResNetV2Within, Within
from toolkit.utils.testing import assert_is_backbone

IMAGES = mx.nd.random.normal(shape=(1, 3, 64, 64))


@pytest.mark.parametrize("places", [((2, 3, 1), (3, 0, 2)), ((1, 0, 2), (3, 2, 1))])
def test_it_is_a_backbone(places: tuple[tuple[int, int, int], ...]) -> None:
    assert_is_backbone(lambda: ResNetV2Within(Within("resnet50_v2", places)), (1, 3, 64, 64))


def test_features_are_those_of_the_whole_network() -> None:
    whole = BACKBONES.create("resnet50_v2")
    whole.initialize(mx.init.Xavier(magnitude=2))
    net = ResNetV2Within(Within("resnet50_v2", ((1, 0, 1), (2, 3, 2))))
    theirs = list(whole._collect_params_with_prefix().values())
    ours = list(net._collect_params_with_prefix().values())
    net.initialize()
    whole(IMAGES)
    # All values of ours are the first of the whole's, but for what the last unit leaves out.
    for mine, other in zip(ours, theirs, strict=False):
        assert mine.shape == other.shape
        mine.set_data(other.data())
    x = whole.stem(IMAGES)
    for stage, units in enumerate(whole.stages):
        for index, unit in enumerate(units):
            if (stage, index) == (1, 0):
                first = unit.body[0](unit.act(unit.norm(x)))
            if (stage, index) == (2, 3):
                second = unit.body[1](unit.body[0](unit.act(unit.norm(x))))
            x = unit(x)
    for found, wanted in zip(net(IMAGES), (first, second), strict=True):
        np.testing.assert_array_equal(found.asnumpy(), wanted.asnumpy())


def test_nothing_stands_after_the_last_feature() -> None:
    net = ResNetV2Within(Within("resnet50_v2", ((2, 3, 2),)))
    assert len(net.units) == 3 + 4 + 4
    assert net.units[-1].rest is None
    assert net.units[-1].shortcut is None
