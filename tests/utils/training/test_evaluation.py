from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn

from toolkit.utils.training import (
    Evaluation,
    MetricError,
    Run,
    StepResult,
    evaluate,
    seed_everything,
)


class Accuracy:
    """The share of labels that are the largest output's."""

    def reset(self) -> None:
        self.right = self.all = 0

    def update(self, labels: Any, outputs: Any) -> None:
        self.right += int((outputs.asnumpy().argmax(1) == labels.asnumpy()).sum())
        self.all += len(labels)

    def get(self) -> dict[str, float]:
        return {"accuracy": self.right / self.all}


class Broken(Accuracy):
    def __init__(self, at: int) -> None:
        self.at, self.seen = at, 0

    def update(self, labels: Any, outputs: Any) -> None:
        if self.seen == self.at:
            raise ZeroDivisionError("no labels")
        self.seen += 1

    def get(self) -> dict[str, float]:
        raise KeyError("nothing")


def whole(kit: Any, net: Any, batches: Any) -> tuple[float, float]:
    """Loss and accuracy over all batches at once, without dropout."""
    loader = list(batches.batches(0))
    points = mx.nd.array(np.concatenate([batch[0] for batch in loader]))
    labels = np.concatenate([batch[1] for batch in loader])
    logs = mx.nd.log_softmax(net(points)).asnumpy()
    return -logs[np.arange(len(labels)), labels].mean(), (logs.argmax(1) == labels).mean()


@pytest.mark.parametrize("contexts", [[mx.cpu()], [mx.cpu(0), mx.cpu(1)]])
def test_all_samples_weigh_the_same(kit: Any, contexts: list[mx.Context]) -> None:
    net, batches = kit.make_net(contexts=contexts), kit.Batches(19, 6)
    mxnets = mx.metric.CompositeEvalMetric([mx.metric.Accuracy(), mx.metric.TopKAccuracy(2)])
    values = evaluate(net, batches, forward=kit.forward, metrics=[Accuracy()], contexts=contexts)
    loss, accuracy = whole(kit, net, batches)
    assert values == pytest.approx({"loss": loss, "accuracy": accuracy}, rel=1e-5)
    values = evaluate(net, batches, forward=kit.forward, metrics=[mxnets], contexts=contexts)
    assert values["accuracy"] == pytest.approx(accuracy)
    assert set(values) == {"loss", "accuracy", "top_k_accuracy_2"}


def test_a_scalar_loss_is_its_batchs_mean(kit: Any) -> None:
    net, batches = kit.make_net(), kit.Batches(19, 6)

    def forward(net: Any, batch: Any) -> StepResult:
        return StepResult(kit.forward(net, batch).loss.mean())

    values = evaluate(net, batches, forward=forward)
    assert values["loss"] == pytest.approx(whole(kit, net, batches)[0], rel=1e-5)


def test_a_metric_that_fails_is_named_with_its_batch(kit: Any) -> None:
    net, batches = kit.make_net(), kit.Batches()
    metrics = [Accuracy(), Broken(at=2)]
    message = r"metric Broken failed at batch 2 of the evaluation: ZeroDivisionError: no labels"
    with pytest.raises(MetricError, match=message):
        evaluate(net, batches, forward=kit.forward, metrics=metrics)
    with pytest.raises(MetricError, match="Broken failed at the end"):
        evaluate(net, batches, forward=kit.forward, metrics=[Broken(at=99)])


def test_no_batches_are_an_error(kit: Any) -> None:
    with pytest.raises(ValueError, match="no batches"):
        evaluate(kit.make_net(), [], forward=kit.forward)


def test_evaluations_come_when_they_are_due(kit: Any) -> None:
    class Log:
        def __init__(self) -> None:
            self.steps: list[int] = []

        def on_epoch(self, run: Run) -> None:
            self.steps.append(run.measured_at.get("val_loss", 0))

    log = Log()
    evaluation = Evaluation(kit.Batches(seed=1), forward=kit.forward, every_epochs=2)
    run = kit.train(kit.make_net(), steps=18, callbacks=[evaluation, log])
    assert log.steps == [0, 8, 8, 16, 18]  # 4 updates an epoch; the last evaluation at the end
    assert set(run.values) == {"loss", "epoch_loss", "val_loss"}


def test_evaluations_may_be_due_by_steps(kit: Any) -> None:
    batches = kit.Batches(seed=1)
    evaluation = Evaluation(batches, forward=kit.forward, every_steps=3, prefix="test_")
    run = kit.train(kit.make_net(), epochs=3, callbacks=[evaluation])
    assert len(batches.asked) == 6  # at 3, 4 (epoch), 6, 8 (epoch), 9, 12 (both)
    assert run.fresh("test_loss") is not None


def test_a_network_that_was_evaluated_has_its_parameters_in_new_arrays(
    kit: Any, same_parameters: Callable
) -> None:
    """Predicting leaves some in layouts of oneDNN, from which training would round otherwise."""
    net, other = kit.make_net(), kit.make_net()
    run = Run(net, steps_per_epoch=1, total_steps=1)
    before = net[0].weight.data()
    Evaluation(kit.Batches(), forward=kit.forward).on_epoch(run)
    assert net[0].weight.data() is not before
    same_parameters(net, other)


class Pictures:
    """Three batches of random pictures, decided by epoch."""

    def __len__(self) -> int:
        return 3

    def batches(self, epoch: int, start: int = 0) -> Iterator[Any]:
        for number in range(start, len(self)):
            rng = np.random.default_rng([epoch, number])
            yield rng.normal(size=(4, 3, 12, 12)).astype("float32"), rng.integers(0, 3, 4)


def make_convolutions() -> nn.HybridSequential:
    """A small network with all that prediction treats otherwise than training."""
    seed_everything(7)
    net = nn.HybridSequential()
    for channels in (3, 16):
        net.add(nn.Conv2D(16, 3, padding=1, in_channels=channels), nn.BatchNorm(in_channels=16))
        net.add(nn.Activation("relu"))
    net.add(nn.GlobalAvgPool2D(), nn.Flatten(), nn.Dropout(0.3), nn.Dense(3, in_units=16))
    net.initialize(mx.init.Xavier())
    net.hybridize()
    return net


def test_training_with_evaluations_gives_what_it_gives_without(
    kit: Any, same_parameters: Callable
) -> None:
    """No random number is drawn, no running mean moved, no layout left."""
    evaluation = Evaluation(Pictures(), forward=kit.forward, every_steps=1)
    evaluated, alone = make_convolutions(), make_convolutions()
    kit.train(evaluated, Pictures(), epochs=2, callbacks=[evaluation])
    kit.train(alone, Pictures(), epochs=2)
    same_parameters(evaluated, alone)
