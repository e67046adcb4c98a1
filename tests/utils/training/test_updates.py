from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.utils.training import Alone, Group, Optimization, Setup, StepResult
from toolkit.utils.training.optimization import applied
from toolkit.utils.training.optimizers import make_optimizer
from toolkit.utils.training.updates import Updater, make_trainer

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
Y = np.random.default_rng(1).normal(size=(6, 2)).astype("float32")
CPUS = (mx.cpu(0), mx.cpu(1))


def linear(contexts: tuple[mx.Context, ...] = (mx.cpu(),)) -> Any:
    net = mx.gluon.nn.Dense(2, in_units=4)
    net.initialize(mx.init.Zero(), ctx=list(contexts))
    net.weight.set_data(mx.nd.array(np.linspace(-1, 1, 8).reshape(2, 4)))
    return net


def forward(net: Any, batch: Any) -> StepResult:
    inputs, targets = batch
    return StepResult((net(inputs) - targets).square().sum(axis=1))


def updated(
    batches: list[Any],
    optimization: Optimization,
    contexts: tuple[mx.Context, ...] = (mx.cpu(),),
    objective: Callable[..., StepResult] = forward,
) -> np.ndarray:
    """The weight after one update by some batches."""
    net = linear(contexts)
    params = net._collect_params_with_prefix()
    with applied(optimization, params):
        updater = Updater(
            net, forward=objective, optimization=optimization, setup=Setup(contexts=contexts)
        )
        for batch in batches:
            updater.add(batch)
        assert updater.pending
        updater.apply(0.1)
        assert not updater.pending
    return [data.asnumpy() for data in net.weight.list_data()][-1]


def gradient() -> np.ndarray:
    """Of the mean over the samples, by NumPy, for the weight at its start."""
    weight = np.linspace(-1, 1, 8).reshape(2, 4)
    return 2 * (X @ weight.T - Y).T @ X / len(X)


def start() -> np.ndarray:
    return np.linspace(-1, 1, 8).reshape(2, 4)


def test_an_update_follows_the_mean_gradient() -> None:
    weight = updated([(X, Y)], Optimization())
    np.testing.assert_allclose(weight, start() - 0.1 * gradient(), rtol=1e-5)


def test_batches_of_any_size_add_up_to_one() -> None:
    batches = [(X[:1], Y[:1]), (X[1:4], Y[1:4]), (X[4:], Y[4:])]
    weight = updated(batches, Optimization(accumulate=3))
    np.testing.assert_allclose(weight, start() - 0.1 * gradient(), rtol=1e-5)


def test_nothing_is_left_for_the_next_update() -> None:
    optimization = Optimization(accumulate=2)
    net = linear()
    params = net._collect_params_with_prefix()
    with applied(optimization, params):
        updater = Updater(
            net, forward=forward, optimization=optimization, setup=Setup(contexts=(mx.cpu(),))
        )
        updater.add((X, Y))
        updater.apply(0.1)
        updater.add((X, Y))
        updater.apply(0.0)
    np.testing.assert_allclose(net.weight.data().asnumpy(), start() - 0.1 * gradient(), rtol=1e-5)


def test_devices_take_parts_of_a_batch() -> None:
    rows = [0, 1, 2, 3, 4, 5, 5]
    batches = [(X[rows[:5]], Y[rows[:5]]), (X[rows[5:]], Y[rows[5:]])]
    weight = updated(batches, Optimization(accumulate=2), CPUS)
    expected = 2 * (X[rows] @ start().T - Y[rows]).T @ X[rows] / 7
    np.testing.assert_allclose(weight, start() - 0.1 * expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("contexts", [CPUS[:1], CPUS])
def test_gradients_are_shortened_together(contexts: tuple[mx.Context, ...]) -> None:
    whole = gradient()
    bias = 2 * (X @ start().T - Y).mean(0)
    norm = np.sqrt((whole**2).sum() + (bias**2).sum())
    clipped = updated([(X, Y)], Optimization(clip_norm=norm / 4), contexts)
    np.testing.assert_allclose(clipped, start() - 0.1 * whole / 4, rtol=1e-4)
    unclipped = updated([(X, Y)], Optimization(clip_norm=norm * 4), contexts)
    np.testing.assert_allclose(unclipped, start() - 0.1 * whole, rtol=1e-4)


def test_a_count_divides_the_loss() -> None:
    def counted(net: Any, batch: Any) -> StepResult:
        return StepResult(forward(net, batch).loss.sum(), count=12)

    weight = updated([(X, Y)], Optimization(), objective=counted)
    np.testing.assert_allclose(weight, start() - 0.1 * gradient() / 2, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("sgd", {}),
        ("sgd", {"momentum": 0.9}),
        ("lars", {"momentum": 0.9}),
        ("lamb", {}),
        ("adamw", {}),
    ],
)
def test_parameters_are_updated_one_by_one_as_many_at_once_are(
    name: str, options: dict[str, float]
) -> None:
    optimizer = make_optimizer(name, learning_rate=0.1, wd=0.01, **options)
    assert optimizer.aggregate_num > 1
    found = []
    for single in (False, True):
        net = linear()
        params = net._collect_params_with_prefix()
        trainer = mx.gluon.Trainer(list(params.values()), optimizer, kvstore=None)
        if single:
            how = Optimization(name, weight_decay=0.01, options=options)
            trainer = make_trainer(params, how, Setup())
            trainer.set_learning_rate(0.1)
            assert trainer.optimizer.aggregate_num == 1
        for _ in range(3):
            with mx.autograd.record():
                loss = forward(net, (mx.nd.array(X), mx.nd.array(Y))).loss
            loss.backward()
            trainer.step(len(X))
        found.append([param.data().asnumpy() for param in params.values()])
    for many, one in zip(*found, strict=True):
        np.testing.assert_allclose(one, many, rtol=1e-5, atol=1e-7)


def test_frozen_parameters_stay(kit: Any) -> None:
    optimization = Optimization(groups=(Group("weight", frozen=True),))
    np.testing.assert_array_equal(updated([(X, Y)], optimization), start().astype("float32"))


def test_parameters_without_a_gradient_are_an_error_unless_allowed() -> None:
    def idle(net: Any, batch: Any) -> StepResult:
        return StepResult(mx.nd.dot(batch[0], net.weight.data().T).square().sum(axis=1))

    with pytest.raises(UserWarning, match="bias"):
        updated([(X, Y)], Optimization(), objective=idle)
    assert np.isfinite(updated([(X, Y)], Optimization(unused=True), objective=idle)).all()


def test_clipping_needs_a_synchronous_kvstore() -> None:
    optimization = Optimization(clip_norm=1.0)
    net = linear()
    with pytest.raises(ValueError, match="which dist_async does not have"):
        Updater(
            net,
            forward=forward,
            optimization=optimization,
            setup=Setup(workers=Alone(kvstore="dist_async")),
        )


class Servers:
    """The only worker of servers that update parameters by themselves; notes what they are told."""

    rank, size, kvstore = 0, 1, "dist_async"

    def __init__(self) -> None:
        self.store = mx.kv.create("local")
        self.told: list[Any] = []
        self.barriers = 0

    def reduce(self, values: Any) -> Any:
        return values

    def barrier(self) -> None:
        self.barriers += 1

    def command(self, body: Any) -> None:
        self.told.append(body)


def test_servers_follow_mean_gradients_at_the_rate_of_the_moment() -> None:
    servers = Servers()
    net = linear()
    params = net._collect_params_with_prefix()
    optimization = Optimization("sgd", 1.0, groups=[Group("bias", learning_rate=0.5)])
    with applied(optimization, params):
        updater = Updater(
            net, forward=forward, optimization=optimization, setup=Setup(workers=servers)
        )
        updater.start()
        assert servers.barriers == 1
        weights = []
        for learning_rate in (0.1, 0.1, 0.05):
            updater.add((mx.nd.array(X), mx.nd.array(Y)))
            updater.apply(learning_rate)
            weights.append(net.weight.data().asnumpy())
    np.testing.assert_allclose(weights[0], start() - 0.1 * gradient(), rtol=1e-5)
    assert servers.told == [{"learning_rate": 0.05}], "the first rate comes with the optimizer"
    assert updater.trainer.optimizer.lr_mult == {0: 1.0, 1: 0.5}
