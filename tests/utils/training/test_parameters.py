from __future__ import annotations

from typing import Any

import mxnet as mx
import pytest
from mxnet.gluon import nn

from toolkit.utils.training import Setup
from toolkit.utils.training.parameters import renew, settle


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


def test_renewed_parameters_hold_the_same_and_can_be_trained(kit: Any) -> None:
    contexts = (mx.cpu(0), mx.cpu(1))
    net = kit.make_net(contexts=list(contexts))
    net[1].running_mean.list_data()[1][:] = 5  # as each device has its own
    before = kit.parameters(net)
    renew(net)
    assert all((value == before[key]).all() for key, value in kit.parameters(net).items())
    assert net[1].running_mean.list_data()[1].asnumpy().tolist() == [5] * 8
    kit.train(net, setup=Setup(contexts=contexts))
    assert (kit.parameters(net)["0.weight"] != before["0.weight"]).any()
