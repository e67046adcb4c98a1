from __future__ import annotations

import json
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.utils.training import Optimization, Setup
from toolkit.utils.training import optimizer_states as states
from toolkit.utils.training.saver import own_names
from toolkit.utils.training.updates import Updater

OPTIMIZERS = {
    "sgd": {},
    "nag": {"momentum": 0.9},
    "adam": {},
    "nadam": {},
    "rmsprop": {"centered": True},
    "lamb": {},
    "adamw": {},
}
X = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
Y = np.random.default_rng(1).integers(0, 3, 12).astype("int32")


def made(kit: Any, optimizer: str, contexts: tuple[mx.Context, ...] = (mx.cpu(),)) -> Any:
    net = kit.make_net(0.0, contexts=list(contexts))
    optimization = Optimization(optimizer, options=OPTIMIZERS[optimizer])
    return net, Updater(
        net, forward=kit.forward, optimization=optimization, setup=Setup(contexts=contexts)
    )


def step(updater: Updater) -> None:
    updater.add((X, Y))
    updater.apply(0.01)


@pytest.mark.parametrize(
    ("optimizer", "contexts"),
    [(name, (mx.cpu(),)) for name in OPTIMIZERS]
    # Not nadam: MXNet lets the weights of two devices drift apart there.
    + [(name, (mx.cpu(0), mx.cpu(1))) for name in OPTIMIZERS if name != "nadam"],
)
def test_an_optimizer_goes_on_where_it_was(
    optimizer: str, contexts: tuple[mx.Context, ...], kit: Any
) -> None:
    net, updater = made(kit, optimizer, contexts)
    step(updater)
    step(updater)
    names = own_names(net)
    arrays = states.get_arrays(updater.trainer, names)
    numbers = json.loads(json.dumps(states.get_numbers(updater.trainer, names)))
    assert numbers["counts"]["0.weight"] == 2
    again, second = made(kit, optimizer, contexts)
    for ours, theirs in zip(
        again._collect_params_with_prefix().values(),
        net._collect_params_with_prefix().values(),
        strict=True,
    ):
        ours.set_data(theirs.list_data()[0])
    states.restore(second.trainer, own_names(again), arrays=arrays, numbers=numbers)
    step(updater)
    step(second)
    for key in ("0.weight", "1.gamma", "4.bias"):
        for index in range(len(contexts)):
            np.testing.assert_array_equal(
                net._collect_params_with_prefix()[key].list_data()[index].asnumpy(),
                again._collect_params_with_prefix()[key].list_data()[index].asnumpy(),
            )


def test_states_of_another_optimizer_are_refused(kit: Any) -> None:
    net, updater = made(kit, "adam")
    numbers = states.get_numbers(updater.trainer, own_names(net))
    states.check(updater.trainer, numbers)
    _, other = made(kit, "lamb")
    with pytest.raises(ValueError, match="of the optimizer Adam, not of LAMB"):
        states.check(other.trainer, numbers)


def test_states_that_lack_are_named(kit: Any) -> None:
    net, updater = made(kit, "adam")
    step(updater)
    names = own_names(net)
    numbers = states.get_numbers(updater.trainer, names)
    with pytest.raises(ValueError, match=r"lacks 0.weight:0.0 of the optimizer"):
        states.restore(updater.trainer, names, arrays={}, numbers=numbers)
