from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn

from toolkit.utils.training import Optimization
from toolkit.utils.training.average import MovingAverage


def spoil(net: Any) -> None:
    """Changes all parameters."""
    for param in net._collect_params_with_prefix().values():
        param.data()[:] = param.data() * 2 + 1


def test_the_average_follows_its_formula(kit: Any) -> None:
    net = kit.make_net()
    average = MovingAverage(net._collect_params_with_prefix(), 0.3)
    expected = kit.parameters(net)
    for step in range(1, 4):
        spoil(net)
        average.update(step)
        decay = min(0.3, (1 + step) / (10 + step))
        for key, value in kit.parameters(net).items():
            expected[key] = decay * expected[key] + (1 - decay) * value
    for key, value in average.arrays().items():
        np.testing.assert_allclose(value, expected[key], rtol=1e-5, err_msg=key)


def test_the_network_has_it_for_a_while(kit: Any, same_parameters: Callable) -> None:
    net, other = kit.make_net(), kit.make_net()
    average = MovingAverage(net._collect_params_with_prefix(), 0.9)
    spoil(net)
    spoilt = kit.parameters(net)
    with average.applied():
        same_parameters(net, other)
    assert all((value == spoilt[key]).all() for key, value in kit.parameters(net).items())


def test_a_network_that_predicts_with_it_gets_its_own_back(kit: Any) -> None:
    net = nn.HybridSequential()
    net.add(nn.Conv1D(64, 3, in_channels=64), nn.Conv1D(64, 1, in_channels=64))
    net.initialize(mx.init.Xavier())
    net.hybridize()
    average = MovingAverage(net._collect_params_with_prefix(), 0.9)
    spoil(net)
    own, x = kit.parameters(net), mx.nd.ones((8, 64, 12))
    for _ in range(2):
        with average.applied():
            averaged = net(x).asnumpy()
        spoilt = net(x).asnumpy()
        mx.nd.waitall()
        assert all((value == own[key]).all() for key, value in kit.parameters(net).items())
        assert not np.allclose(averaged, spoilt)


def test_it_comes_back_from_arrays(kit: Any) -> None:
    net = kit.make_net()
    average = MovingAverage(net._collect_params_with_prefix(), 0.9)
    before = average.arrays()
    spoil(net)
    average.update(1)
    assert (average.arrays()["0.weight"] != before["0.weight"]).any()
    average.restore(before)
    assert all((value == before[key]).all() for key, value in average.arrays().items())


@pytest.mark.parametrize("optimizer", ["adamw", "lamb", "sgd"])
def test_networks_may_have_many_parameters(optimizer: str, kit: Any) -> None:
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3, padding=1, in_channels=1))
    for _ in range(60):
        net.add(nn.Conv2D(4, 1, in_channels=4), nn.BatchNorm(in_channels=4))
    net.add(nn.GlobalAvgPool2D(), nn.Dense(3, in_units=4))
    net.initialize(mx.init.Xavier())
    net.hybridize(static_alloc=True, static_shape=True)
    batches = [(np.ones((2, 1, 4, 4), "float32"), np.zeros(2, "int32"))] * 2
    optimization = Optimization(optimizer, 1e-3, average=0.9, clip_norm=1.0, accumulate=2)
    run = kit.train(net, batches, epochs=2, optimization=optimization)
    assert all(np.isfinite(value).all() for value in run.average.arrays().values())


def test_training_keeps_an_average_and_evaluates_it(kit: Any) -> None:
    from_start = kit.parameters(kit.make_net())
    net = kit.make_net()
    run = kit.train(net, epochs=3, optimization=Optimization("sgd", 0.1, average=0.99))
    averages, last = run.average.arrays(), kit.parameters(net)
    moved = np.abs(last["0.weight"] - from_start["0.weight"]).max()
    assert 0 < np.abs(averages["0.weight"] - last["0.weight"]).max() < moved


@pytest.mark.parametrize("decay", [0.0, 1.0, -1.0])
def test_a_decay_out_of_range_is_refused(decay: float) -> None:
    with pytest.raises(ValueError, match=r"average must be None or in \(0, 1\)"):
        Optimization(average=decay)
