from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from mxnet.gluon import Trainer, nn
from mxnet.gluon.loss import SoftmaxCrossEntropyLoss

from toolkit.utils.training import (
    DivergedError,
    InEpochs,
    Linear,
    Optimization,
    Run,
    Setup,
    StepResult,
    Steps,
)


class Log:
    """Notes all events with the step."""

    def __init__(self) -> None:
        self.events: list[tuple[str, int]] = []
        self.rates: list[float] = []
        self.failure: Any = "not ended"

    def __getattr__(self, name: str) -> Any:
        if name in ("on_start", "on_log", "on_epoch"):
            return lambda run: self.events.append((name, run.step))
        raise AttributeError(name)

    def on_step(self, run: Run) -> None:
        self.rates.append(run.learning_rate)

    def on_end(self, run: Run) -> None:
        self.events.append(("on_end", run.step))
        self.failure = run.failure


def test_training_is_what_a_loop_by_hand_does(kit: Any, same_parameters: Callable) -> None:
    net, by_hand, batches = kit.make_net(0.0), kit.make_net(0.0), kit.Batches(22, 6)
    optimization = Optimization(
        "sgd", 0.1, options={"momentum": 0.9}, weight_decay=1e-3, undecayed=""
    )
    kit.train(net, batches, optimization=optimization, epochs=3)
    trainer = Trainer(
        by_hand.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9, "wd": 1e-3}
    )
    loss = SoftmaxCrossEntropyLoss()
    for epoch in range(3):
        for points, labels in batches.batches(epoch):
            with autograd.record():
                value = loss(by_hand(mx.nd.array(points)), mx.nd.array(labels, dtype="int32"))
            value.backward()
            trainer.step(len(points))
    same_parameters(net, by_hand)


def test_a_network_learns(kit: Any) -> None:
    run = kit.train(kit.make_net(), optimization=Optimization("adamw", 0.02), epochs=20)
    assert run.values["epoch_loss"] < 0.5
    assert (run.epoch, run.step, run.samples, run.batch) == (20, 80, 480, 0)


def test_two_runs_with_dropout_are_the_same(kit: Any, same_parameters: Callable) -> None:
    first, second, other = (kit.make_net() for _ in range(3))
    kit.train(first, epochs=3)
    mx.nd.random.normal(shape=(5,))  # what came before does not matter
    kit.train(second, epochs=3)
    same_parameters(first, second)
    kit.train(other, epochs=3, setup=Setup(seed=1))
    assert (kit.parameters(other)["0.weight"] != kit.parameters(first)["0.weight"]).any()


def test_devices_give_what_one_gives(kit: Any) -> None:
    contexts = (mx.cpu(0), mx.cpu(1))
    net = nn.Dense(3, in_units=4)
    net.initialize(mx.init.One(), ctx=list(contexts))
    alone = nn.Dense(3, in_units=4)
    alone.initialize(mx.init.One())
    optimization = Optimization("adam", 0.01, clip_norm=0.5, accumulate=2)
    kit.train(net, optimization=optimization, epochs=2, setup=Setup(contexts=contexts))
    kit.train(alone, optimization=optimization, epochs=2)
    for data in net.weight.list_data():
        np.testing.assert_allclose(data.asnumpy(), alone.weight.data().asnumpy(), atol=1e-5)


def test_callbacks_are_told_in_order(kit: Any) -> None:
    log = Log()
    kit.train(kit.make_net(), steps=6, callbacks=[log], setup=Setup(log_every=3))
    assert log.events == [
        ("on_start", 0),
        ("on_log", 3),
        ("on_log", 4),
        ("on_epoch", 4),
        ("on_log", 6),
        ("on_epoch", 6),
        ("on_end", 6),
    ]
    assert log.failure is None


def test_the_learning_rate_follows_the_schedule(kit: Any) -> None:
    log = Log()
    schedule = Steps(0.1, (3, 5), 0.5)
    kit.train(kit.make_net(), steps=6, callbacks=[log], optimization=Optimization("sgd", schedule))
    assert log.rates == pytest.approx([0.1, 0.1, 0.1, 0.05, 0.05, 0.025])
    log = Log()
    schedule = InEpochs(Linear(1.0, 2))
    optimization = Optimization("sgd", schedule, accumulate=2)
    kit.train(kit.make_net(), epochs=2, callbacks=[log], optimization=optimization)
    assert log.rates == pytest.approx([1.0, 0.75, 0.5, 0.25])


def test_batches_that_are_left_over_make_an_update(kit: Any) -> None:
    log = Log()
    optimization = Optimization("sgd", 0.1, accumulate=3)
    run = kit.train(
        kit.make_net(), kit.Batches(20, 4), epochs=2, callbacks=[log], optimization=optimization
    )
    assert (run.step, run.steps_per_epoch, run.samples) == (4, 2, 40)


def test_a_callback_may_stop_the_run(kit: Any) -> None:
    class Stop:
        def on_step(self, run: Run) -> None:
            if run.step == 5:
                run.stop("enough")

    run = kit.train(kit.make_net(), epochs=9, callbacks=[Stop()])
    assert (run.step, run.epoch, run.batch, run.stopped) == (5, 1, 1, "enough")


def test_shapes_may_be_unknown_before(kit: Any) -> None:
    net = nn.HybridSequential()
    net.add(nn.Dense(5), nn.BatchNorm(), nn.Dense(3))
    net.initialize()
    assert kit.train(net).step == 4


class NotANumber(Log):
    """Spoils a weight after the second update, where that is wanted."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def on_step(self, run: Run) -> None:
        if run.step == 2 and self.what == "weight":
            run.net[0].weight.data()[:] = np.nan


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("loss", r"the loss is nan at step 3 \(epoch 0, learning rate 0.1\); there is no checkp"),
        ("weight", r"a parameter is not finite at step 4 \(epoch 0"),  # ReLU turns NaN into 0
    ],
)
def test_numbers_that_are_not_finite_end_the_run(what: str, message: str, kit: Any) -> None:
    def forward(net: Any, batch: Any) -> StepResult:
        result = kit.forward(net, batch)
        calls.append(1)
        spoilt = what == "loss" and len(calls) == 3
        return StepResult(result.loss * np.nan if spoilt else result.loss)

    calls: list[int] = []
    log = NotANumber(what)
    with pytest.raises(DivergedError, match=message):
        kit.train(kit.make_net(), callbacks=[log], forward=forward)
    assert isinstance(log.failure, DivergedError)


def test_an_error_of_the_network_reaches_the_caller_and_the_callbacks(kit: Any) -> None:
    def forward(net: Any, batch: Any) -> StepResult:
        raise KeyError("no such field")

    log = Log()
    with pytest.raises(KeyError, match="no such field"):
        kit.train(kit.make_net(), forward=forward, callbacks=[log])
    assert isinstance(log.failure, KeyError)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 1, "steps": 1}, "give epochs or steps, one of both; got 1 and 1"),
        ({"epochs": 0}, "whole number above 0, got 0"),
        ({"steps": 1.5}, "whole number above 0, got 1.5"),
        ({"loader": []}, "the loader has no batches"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused(
    options: dict[str, Any], message: str, kit: Any
) -> None:
    with pytest.raises(ValueError, match=message):
        kit.train(kit.make_net(), **options)


def test_a_loader_that_gives_nothing_ends_the_run(kit: Any) -> None:
    class Empty(type(kit.Batches())):
        def batches(self, epoch: int, start: int = 0) -> Any:
            return iter(())

    with pytest.raises(ValueError, match="epoch 0 had no batches"):
        kit.train(kit.make_net(), Empty())
