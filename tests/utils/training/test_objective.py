from __future__ import annotations

import mxnet as mx
import pytest

from toolkit.utils.training import StepResult, supervised


def test_the_sum_of_a_loss_is_divided_by_its_elements_or_a_count() -> None:
    loss = mx.nd.ones((2, 3))
    assert StepResult(loss).divisor == 6
    assert StepResult(loss, count=4.5).divisor == 4.5


@pytest.mark.parametrize("several", [False, True])
def test_supervised_puts_net_and_loss_together(several: bool) -> None:
    inputs = mx.nd.array([1.0, 2.0])
    labels = mx.nd.array([0.0, 1.0])

    def net(x: mx.nd.NDArray, y: mx.nd.NDArray | None = None) -> mx.nd.NDArray:
        return 2 * x if y is None else x + y

    forward = supervised(lambda outputs, labels: outputs - labels)
    result = forward(net, ((inputs, inputs) if several else inputs, labels))
    assert result.loss.asnumpy().tolist() == [2, 3]
    assert result.outputs.asnumpy().tolist() == [2, 4]
    assert result.labels is labels
