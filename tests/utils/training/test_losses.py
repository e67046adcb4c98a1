from __future__ import annotations

from typing import Any

import mxnet as mx
import pytest

from toolkit.utils.training import DivergedError, Run, StepResult
from toolkit.utils.training.losses import SMALL, Losses
from toolkit.utils.training.workers import Alone


@pytest.fixture
def run() -> Run:
    return Run(None, steps_per_epoch=10, total_steps=20, learning_rate=0.25)


def add(losses: Losses, run: Run, *values: Any, **options: Any) -> None:
    losses.add(run, [StepResult(mx.nd.array(value), **options) for value in values])
    run.step += 1


def test_a_read_gives_the_mean_since_the_last_one(run: Run) -> None:
    losses = Losses(Alone())
    add(losses, run, [1.0, 2.0], [6.0])
    add(losses, run, [3.0])
    assert losses.read(run)
    assert run.fresh("loss") == pytest.approx(3.0)
    add(losses, run, [8.0], count=4)
    assert losses.read(run)
    assert run.fresh("loss") == pytest.approx(2.0)
    assert not losses.read(run)
    losses.end_epoch(run)
    assert run.fresh("epoch_loss") == pytest.approx(20 / 8)


def test_large_losses_are_summed_at_once(run: Run) -> None:
    losses = Losses(Alone())
    add(losses, run, [1.0] * (SMALL + 1))
    losses.read(run)
    assert run.values["loss"] == pytest.approx(1.0)


def test_the_first_update_that_is_not_finite_is_named(run: Run) -> None:
    losses = Losses(Alone())
    for value in (1.0, float("nan"), float("nan")):
        add(losses, run, [value])
    message = r"the loss is nan at step 2 \(epoch 0, learning rate 0.25\); there is no checkpoint"
    with pytest.raises(DivergedError, match=message):
        losses.read(run)


def test_sums_are_taken_over_all_workers(run: Run) -> None:
    class Two(Alone):
        def reduce(self, values: Any) -> dict[str, float]:
            return {"loss": values["loss"] + 10, "count": values["count"] + 1}

    losses = Losses(Two())
    add(losses, run, [2.0])
    losses.read(run)
    assert run.values["loss"] == pytest.approx(6.0)


def test_another_worker_may_be_the_one_that_diverges(run: Run) -> None:
    class Two(Alone):
        def reduce(self, values: Any) -> dict[str, float]:
            return {"loss": float("inf"), "count": 2.0}

    losses = Losses(Two())
    add(losses, run, [2.0])
    with pytest.raises(DivergedError, match="another worker"):
        losses.read(run)
