"""What a network is trained for: a function of the network and a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class StepResult:
    """What a network made of one batch, or of a device's part of it.

    An update follows the gradient of the sum of all elements of ``loss`` over the sum of all
    ``count``, over the devices, the accumulated batches and the workers that it stands for.
    """

    loss: Any  # of any shape
    count: float | None = None  # what the sum of the loss is divided by; by default its elements
    labels: Any = None  # for metrics,
    outputs: Any = None  # and so is this

    @property
    def divisor(self) -> float:
        """``count``, or the number of elements of the loss."""
        return self.loss.size if self.count is None else self.count


Forward = Callable[[Any, Any], StepResult]  # forward(net, batch) on one device


def supervised(loss: Callable[[Any, Any], Any]) -> Forward:
    """The usual objective of ``(inputs, labels)`` batches: ``loss(net(inputs), labels)``.

    Where ``inputs`` is a tuple, the network is called with its parts.

    Args:
        loss: from outputs and labels, of any shape; a scalar is taken as the batch's mean.
    """

    def forward(net: Any, batch: Any) -> StepResult:
        inputs, labels = batch
        outputs = net(*inputs) if isinstance(inputs, tuple) else net(inputs)
        return StepResult(loss(outputs, labels), labels=labels, outputs=outputs)

    return forward
