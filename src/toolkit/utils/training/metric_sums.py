"""Metrics over all workers: sums are added up, never means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mxnet import metric as mxnet_metrics

from toolkit.utils.training.errors import MetricError
from toolkit.utils.training.workers import Workers

SUMS = ("sum_metric", "num_inst")
# MXNet's metrics that are a function of these two; others keep more than they show.
RATIOS = (
    *(mxnet_metrics.Accuracy, mxnet_metrics.TopKAccuracy, mxnet_metrics.Loss),
    *(mxnet_metrics.CrossEntropy, mxnet_metrics.NegativeLogLikelihood, mxnet_metrics.Perplexity),
    mxnet_metrics.CustomMetric,
)


def add_up(metrics: Sequence[Any], workers: Workers) -> None:
    """Makes each metric that of all workers, the same in each of them.

    A metric takes part with ``sums() -> dict[str, float]``, which tells what it has counted, and
    ``set_sums(sums)``, which sets that; MXNet's ratios and their composites do without.

    Raises:
        MetricError: a metric cannot be added up.
    """
    if workers.size == 1:
        return
    parts = list(_parts(metrics))
    sums: dict[str, float] = {}
    for number, metric in enumerate(parts):
        sums.update({f"{number}.{name}": value for name, value in _sums(metric).items()})
    total = workers.reduce(sums)
    for number, metric in enumerate(parts):
        start = f"{number}."
        _set_sums(
            metric, {k.removeprefix(start): v for k, v in total.items() if k.startswith(start)}
        )


def _parts(metrics: Sequence[Any]) -> Iterator[Any]:
    for metric in metrics:
        if isinstance(metric, mxnet_metrics.CompositeEvalMetric):
            yield from _parts(metric.metrics)
        else:
            yield metric


def _sums(metric: Any) -> dict[str, float]:
    if hasattr(metric, "sums") and hasattr(metric, "set_sums"):
        return dict(metric.sums())
    if type(metric) in RATIOS:
        return {name: float(getattr(metric, name)) for name in SUMS}
    raise MetricError(
        f"metric {type(metric).__name__} cannot be added up over workers: it has no sums() and "
        "set_sums(); evaluate without workers=, on all of the data in each"
    )


def _set_sums(metric: Any, sums: dict[str, float]) -> None:
    if hasattr(metric, "set_sums"):
        metric.set_sums(sums)
    else:
        for name in SUMS:
            setattr(metric, name, sums[name])
