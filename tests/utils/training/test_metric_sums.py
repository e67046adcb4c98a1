from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mxnet as mx
import pytest

from toolkit.utils.training import Alone, MetricError, evaluate
from toolkit.utils.training.metric_sums import add_up
from toolkit.utils.training.objective import StepResult


@dataclass
class Twins:
    """Two workers that have counted the same, or what is said of the other one."""

    other: Mapping[str, float] | None = None
    rank: int = 0
    size: int = 2
    kvstore: None = None
    store: None = None

    def reduce(self, values: Mapping[str, float]) -> dict[str, float]:
        other = values if self.other is None else self.other
        return {name: value + other[name] for name, value in values.items()}


class Largest:
    """A metric that cannot be added up."""

    def reset(self) -> None: ...

    def update(self, labels: Any, outputs: Any) -> None: ...

    def get(self) -> dict[str, float]:
        return {"largest": 1.0}


class Hits(Largest):
    """A metric that can."""

    def __init__(self, hits: float, seen: float) -> None:
        self.counts = {"hits": hits, "seen": seen}

    def sums(self) -> dict[str, float]:
        return self.counts

    def set_sums(self, sums: dict[str, float]) -> None:
        self.counts = sums


def accuracy(hits: int, seen: int) -> mx.metric.Accuracy:
    metric = mx.metric.Accuracy()
    metric.sum_metric, metric.num_inst = hits, seen
    return metric


def test_ratios_are_those_of_the_sums() -> None:
    metric, hits = accuracy(1, 2), Hits(3, 4)
    add_up(
        [metric, hits],
        Twins({"0.sum_metric": 6.0, "0.num_inst": 8.0, "1.hits": 1.0, "1.seen": 1.0}),
    )
    assert metric.get() == ("accuracy", 0.7)
    assert hits.counts == {"hits": 4.0, "seen": 5.0}


def test_the_parts_of_a_composite_are_added_up() -> None:
    metric = mx.metric.CompositeEvalMetric([mx.metric.Accuracy(), mx.metric.Loss()])
    metric.metrics[0].sum_metric, metric.metrics[0].num_inst = 1, 2
    metric.metrics[1].sum_metric, metric.metrics[1].num_inst = 6.0, 3
    add_up([metric], Twins())
    assert [part.num_inst for part in metric.metrics] == [4, 6]
    assert metric.get()[1] == [0.5, 2.0]


@pytest.mark.parametrize("metric", [Largest(), mx.metric.F1()])
def test_what_cannot_be_added_up_is_refused(metric: Any) -> None:
    with pytest.raises(MetricError, match=f"{type(metric).__name__} cannot be added up"):
        add_up([metric], Twins())
    add_up([metric], Alone())


def test_an_evaluation_tells_what_all_workers_saw() -> None:
    labels, outputs = mx.nd.array([0, 1]), mx.nd.array([[1, 0], [1, 0]])

    def forward(net: Any, batch: Any) -> StepResult:
        return StepResult(mx.nd.array([1.0, 3.0]), labels=labels, outputs=outputs)

    metric = mx.metric.Accuracy()
    values = evaluate(None, [(outputs, labels)], forward=forward, metrics=[metric], workers=Twins())
    assert values == {"loss": 2.0, "accuracy": 0.5}
    assert metric.num_inst == 4
