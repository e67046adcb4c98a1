from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.utils.training import Optimization, Run, StepResult
from toolkit.utils.training.loss_scale import LossScale


def test_the_scale_falls_at_once_and_rises_slowly() -> None:
    scale = LossScale(scale=8.0, largest=16.0, patience=2)
    seen = []
    for finite in (True, False, True, True, True, True, True, True):
        scale.update(finite=finite)
        seen.append(scale.scale)
    assert seen == [8, 4, 4, 8, 8, 16, 16, 16]


def test_a_scale_that_cannot_help_ends_the_run() -> None:
    scale = LossScale(scale=2.0)
    scale.update(finite=False)
    with pytest.raises(FloatingPointError, match="unscaled loss"):
        scale.update(finite=False)


class Overflow:
    """Makes one weight's gradient overflow float16 in the second update."""

    def __init__(self, kit: Any) -> None:
        self.calls = 0
        self.forward_of_kit = kit.forward
        self.weights: list[np.ndarray] = []

    def forward(self, net: Any, batch: Any) -> StepResult:
        self.calls += 1
        loss = self.forward_of_kit(net, batch).loss
        return StepResult(loss * 1e38 if self.calls == 2 else loss)

    def on_step(self, run: Run) -> None:
        self.weights.append(run.net[0].weight.data().asnumpy())


def test_an_update_that_overflows_is_left_out(kit: Any) -> None:
    overflow = Overflow(kit)
    optimization = Optimization("sgd", 0.01, precision="float16", clip_norm=1.0)
    kit.train(
        kit.make_net(), forward=overflow.forward, callbacks=[overflow], optimization=optimization
    )
    first, second, third = overflow.weights[:3]
    assert (first == second).all()
    assert (second != third).any()


def test_gradients_that_float16_cannot_hold_are_kept(kit: Any) -> None:
    """Rounded to float16, a gradient of 1e-9 is nothing."""

    def tiny(net: Any, batch: Any) -> StepResult:
        return StepResult(kit.forward(net, batch).loss * 1e-7)

    net, start = kit.make_net(), kit.parameters(kit.make_net())
    optimization = Optimization("sgd", 1e5, precision="float16")
    kit.train(net, forward=tiny, optimization=optimization, steps=1)
    assert (kit.parameters(net)["0.weight"] != start["0.weight"]).mean() > 0.9
    assert mx.nd.amp_cast(mx.nd.array([1e-9]), dtype="float16").asnumpy()[0] == 0
