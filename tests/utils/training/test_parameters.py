from __future__ import annotations

from typing import Any

import mxnet as mx
import pytest
from mxnet.gluon import nn

from toolkit.utils.training.parameters import settle


def test_shapes_are_learnt_from_a_batch(kit: Any) -> None:
    net, loader = nn.Dense(3), kit.Batches()
    net.initialize()
    settle(net, loader, kit.forward, [mx.cpu()])
    assert net.weight.shape == (3, 4)
    settle(net, loader, kit.forward, [mx.cpu()])
    assert loader.asked == [(0, 0)]


def test_an_uninitialized_network_is_refused(kit: Any) -> None:
    with pytest.raises(ValueError, match=r"call net.initialize\(\) first: weight, bias"):
        settle(nn.Dense(3, in_units=4), kit.Batches(), kit.forward, [mx.cpu()])


def test_a_network_on_other_devices_is_refused(kit: Any) -> None:
    with pytest.raises(ValueError, match=r"0.weight lies on \[cpu\(0\)\], the run is set up for"):
        settle(kit.make_net(), kit.Batches(), kit.forward, [mx.cpu(0), mx.cpu(1)])
