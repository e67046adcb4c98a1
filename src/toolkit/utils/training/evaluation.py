"""What a network scores on data that it is not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import KW_ONLY, dataclass
from typing import Any, Protocol

import mxnet as mx
from mxnet import autograd

from toolkit.utils.training.batches import as_loader, count_samples, spread
from toolkit.utils.training.errors import MetricError
from toolkit.utils.training.metric_sums import add_up
from toolkit.utils.training.objective import Forward, StepResult
from toolkit.utils.training.parameters import renew
from toolkit.utils.training.run import Run
from toolkit.utils.training.workers import Alone, Workers


class Metric(Protocol):
    """What is counted over batches. MXNet's ``EvalMetric`` will do, too."""

    def reset(self) -> None:
        """Forgets all batches."""

    def update(self, labels: Any, outputs: Any) -> None:
        """Counts a batch."""

    def get(self) -> Any:
        """Names with values: a dict, or MXNet's pair of names and values."""


def evaluate(
    net: Any,
    loader: Any,
    *,
    forward: Forward,
    metrics: Sequence[Metric] = (),
    contexts: Sequence[mx.Context] = (mx.cpu(),),
    workers: Workers | None = None,
) -> dict[str, float]:
    """Runs a network over all batches of a loader, as in inference.

    Args:
        net: The network.
        loader: Batches, as `fit` takes them; epoch 0 is used.
        forward: Gives the loss of a batch, and labels and outputs for the metrics.
        metrics: Objects that count; each is reset first.
        contexts: Devices that each take a part of a batch.
        workers: Processes that each see a part of the data. The mean loss and all metrics are
            over what all of them saw; see `toolkit.utils.training.metric_sums`.

    Returns:
        The mean ``loss``, each batch weighing as many as its samples or its `StepResult.count`,
        and the values of all metrics.

    Raises:
        ValueError: there are no batches.
        MetricError: a metric failed; the message says which one, at which batch.
    """
    for metric in metrics:
        metric.reset()
    total, count = 0.0, 0.0
    for number, batch in enumerate(as_loader(loader).batches(0)):
        parts = spread(batch, contexts, fewer=True)
        with autograd.predict_mode():
            results = [forward(net, part) for part in parts]
        for part, result in zip(parts, results, strict=True):
            weight = count_samples(part) if result.count is None else result.count
            total += weight * float(result.loss.sum().asscalar()) / result.divisor
            count += weight
            _update(metrics, result, number)
    workers = workers or Alone()
    sums = workers.reduce({"loss": total, "count": count})
    if not sums["count"]:
        raise ValueError(f"there was nothing to evaluate: {loader!r} gave no batches")
    add_up(metrics, workers)
    values = {"loss": sums["loss"] / sums["count"]}
    for metric in metrics:
        values.update(_values(metric))
    return values


@dataclass
class Evaluation:
    """Evaluates during a run, on the averaged parameters where there are such.

    The values come as ``prefix`` and their name into ``run.values``: ``val_loss``.
    """

    loader: Any
    _: KW_ONLY
    forward: Forward
    metrics: Sequence[Metric] = ()
    every_epochs: int = 1  # and at the end
    every_steps: int | None = None  # besides
    prefix: str = "val_"
    contexts: Sequence[mx.Context] = (mx.cpu(),)
    workers: Workers | None = None

    def on_step(self, run: Run) -> None:
        """Evaluates where that is due by updates."""
        if self.every_steps and run.step % self.every_steps == 0:
            self._evaluate(run)

    def on_epoch(self, run: Run) -> None:
        """Evaluates where that is due by epochs."""
        if (run.epoch % self.every_epochs == 0 or run.done) and not self._known(run):
            self._evaluate(run)

    def _known(self, run: Run) -> bool:
        return run.fresh(f"{self.prefix}loss") is not None

    def _evaluate(self, run: Run) -> None:
        with run.average.applied() if run.average else nullcontext():
            values = evaluate(
                run.net,
                self.loader,
                forward=self.forward,
                metrics=self.metrics,
                contexts=self.contexts,
                workers=self.workers,
            )
        renew(run.net)
        run.record({f"{self.prefix}{name}": value for name, value in values.items()})


def _update(metrics: Sequence[Metric], result: StepResult, number: int) -> None:
    for metric in metrics:
        try:
            metric.update(result.labels, result.outputs)
        except Exception as error:
            raise MetricError(
                f"metric {_name(metric)} failed at batch {number} of the evaluation: "
                f"{type(error).__name__}: {error}"
            ) from error


def _values(metric: Metric) -> dict[str, float]:
    try:
        values = metric.get()
    except Exception as error:
        raise MetricError(
            f"metric {_name(metric)} failed at the end of the evaluation: "
            f"{type(error).__name__}: {error}"
        ) from error
    if isinstance(values, dict):
        return {name: float(value) for name, value in values.items()}
    names, numbers = values
    if isinstance(names, str):
        names, numbers = [names], [numbers]
    return {name: float(number) for name, number in zip(names, numbers, strict=True)}


def _name(metric: Metric) -> str:
    name = getattr(metric, "name", None)
    return f"{type(metric).__name__} ({name})" if name else type(metric).__name__
