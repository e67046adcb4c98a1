"""How good a runner is, as one number: what ``quantize`` asks before and after; free of MXNet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import numpy as np

from toolkit.deploy.runner import Runner

Score = Callable[[Runner], float]


class Metric(Protocol):
    """What gathers labels and outputs, batch by batch: those of ``toolkit.utils.metrics``."""

    name: str

    def reset(self) -> None:
        """Forgets all batches."""

    def update(self, labels: Any, outputs: Any) -> None:
        """Counts a batch."""

    def get(self) -> Mapping[str, float]:
        """Numbers by name; higher is better."""


def accuracy(batches: Iterable[tuple[Any, Any]]) -> Score:
    """The score of a classifier: the share of pairs (inputs, classes) whose best class is right."""
    pairs = [(np.asarray(x), np.asarray(y)) for x, y in batches]

    def score(runner: Runner) -> float:
        right = [runner(x)[0].argmax(axis=1) == y for x, y in pairs]
        return float(np.concatenate(right).mean())

    return score


def metric_score(metric: Metric, batches: Iterable[tuple[Any, Any]]) -> Score:
    """The score of any task: what a metric says under its own name.

    Args:
        metric: Is reset before each use.
        batches: Pairs of inputs, an array or a tuple of arrays, and of labels as the metric takes
            them. Outputs go to the metric as a list, or as the array where there is but one.
    """
    pairs = list(batches)

    def score(runner: Runner) -> float:
        metric.reset()
        for inputs, labels in pairs:
            found = runner(*(inputs if isinstance(inputs, (tuple, list)) else (inputs,)))
            metric.update(labels, found[0] if len(found) == 1 else found)
        return float(metric.get()[metric.name])

    return score
