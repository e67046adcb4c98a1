"""The training loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.utils.training.average import MovingAverage
from toolkit.utils.training.batches import Loader, as_loader, count_samples
from toolkit.utils.training.callbacks import Callbacks
from toolkit.utils.training.errors import Interrupted, last_good
from toolkit.utils.training.gradients import quick_gradients
from toolkit.utils.training.interrupts import Interrupts
from toolkit.utils.training.losses import Losses, diverged
from toolkit.utils.training.objective import Forward
from toolkit.utils.training.optimization import Optimization, applied
from toolkit.utils.training.parameters import settle
from toolkit.utils.training.precision import reduced
from toolkit.utils.training.random_states import seed_mxnet
from toolkit.utils.training.run import Run
from toolkit.utils.training.saver import Saver
from toolkit.utils.training.schedules import Schedule
from toolkit.utils.training.setup import Setup
from toolkit.utils.training.updates import Updater


def fit(
    net: Any,
    loader: Any,
    *,
    forward: Forward,
    optimization: Optimization,
    epochs: int | None = None,
    steps: int | None = None,
    callbacks: Sequence[Any] = (),
    setup: Setup | None = None,
) -> Run:
    """Trains a network.

    Args:
        net: An initialized Gluon block.
        loader: Batches: ``len(loader)`` a epoch, made by ``loader.batches(epoch, start)``, as
            `toolkit.data.DataLoader` has them. A list of batches or Gluon's own loader do, too,
            but for a resume in the middle of an epoch that must be exact.
        forward: ``forward(net, batch)`` gives the `StepResult` of a batch on one device.
        optimization: How parameters are updated.
        epochs: How long: passes over the loader,
        steps: or updates. One of both is given.
        callbacks: Objects that are told of the run; see `toolkit.utils.training.callbacks`.
        setup: Where and how the run runs.

    Returns:
        The run at its end. ``net`` holds the trained parameters.

    Raises:
        ValueError: an empty loader, neither or both of epochs and steps, or a group of the
            optimization that fits no parameter.
        DivergedError: the loss is not finite; the step is named.
        Exception: whatever the data, the network or a callback raises.
    """
    setup = setup or Setup()
    loader = as_loader(loader)
    run = _new_run(net, len(loader), optimization.accumulate, epochs, steps, setup)
    events = Callbacks(callbacks)
    params = net._collect_params_with_prefix()
    with applied(optimization, params):
        settle(net, loader, forward, setup.contexts)
        updater = Updater(net, forward=forward, optimization=optimization, setup=setup)
        schedule = optimization.schedule(run.steps_per_epoch)
        if optimization.average is not None:
            run.average = MovingAverage(params, optimization.average)
        losses = Losses(setup.workers)
        saver = _saver(setup, updater, losses, events)
        low = reduced(net, optimization.precision, setup.contexts)
        quick = quick_gradients(net, setup.contexts)  # after the casts, which would widen its parts
        with low, quick, Interrupts() as interrupts:
            loop = _Loop(loader, updater, schedule, losses, events, setup, saver, interrupts)
            loop.train(run)
    return run


@dataclass(frozen=True)
class _Loop:
    """The parts that a run moves."""

    loader: Loader
    updater: Updater
    schedule: Schedule
    losses: Losses
    events: Callbacks
    setup: Setup
    saver: Saver | None
    interrupts: Interrupts

    def train(self, run: Run) -> None:
        """Goes on until the run is done; the callbacks are told of its end in any case."""
        try:
            if self.saver:
                self.saver.resume(run)
            self.updater.start()
            self.events.tell("on_start", run)
            while not run.done or run.batch >= len(self.loader):
                self._train_epoch(run)
                self._end_epoch(run)
        except BaseException as error:
            run.failure = error
            raise
        finally:
            self.events.end(run)

    def _train_epoch(self, run: Run) -> None:
        """Trains on what is left of an epoch, or until the run is done."""
        for batch in self.loader.batches(run.epoch, run.batch):
            if not self.updater.pending:
                self._prepare(run)
            self.losses.add(run, self.updater.add(batch))
            run.batch += 1
            run.samples += count_samples(batch) * run.size
            if self.updater.complete:
                self._update(run)
            if run.done:
                return
        if self.updater.pending:
            self._update(run)
        if not run.batch:
            raise ValueError(f"epoch {run.epoch} had no batches: {self.loader!r}")

    def _prepare(self, run: Run) -> None:
        """Sets the learning rate and, at the places for it, the random generators."""
        run.learning_rate = self.schedule(run.step)
        if run.step % self.setup.seed_every == 0 or run.batch == 0:
            seed_mxnet(run.seed, run.rank, run.step)

    def _update(self, run: Run) -> None:
        self.updater.apply(run.learning_rate)
        run.step += 1
        if run.average:
            run.average.update(run.step)
        if run.step % self.setup.log_every == 0:
            self._log(run)
        self.events.tell("on_step", run)
        if run.step % self.setup.seed_every == 0:
            self._rest(run)

    def _log(self, run: Run) -> None:
        if self.losses.read(run):
            if not self.updater.finite():  # an activation may hide that from the loss
                raise diverged(run, "a parameter is not finite")
            self.events.tell("on_log", run)

    def _end_epoch(self, run: Run) -> None:
        """Sums an epoch up; the last one of a run may be cut short."""
        self._log(run)
        if run.batch >= len(self.loader) or not run.done:
            run.epoch += 1
            run.batch = 0
        self.losses.end_epoch(run)
        self.events.tell("on_epoch", run)
        self._rest(run, epoch_ended=True)

    def _rest(self, run: Run, *, epoch_ended: bool = False) -> None:
        """Takes a checkpoint and ends the run, where that is due; from here a resume is exact."""
        told = self.interrupts.received
        due = self.saver.due(run, epoch_ended=epoch_ended) if self.saver else False
        if run.size > 1:  # all workers do the same
            sums = self.setup.workers.reduce({"told": told, "due": due})
            told, due = sums["told"] > 0, sums["due"] > 0
        if self.saver and (told or due):
            self._log(run)  # a checkpoint is a good one if all before it is finite
            path = self.saver.save(run)
            if path:
                self.events.tell("on_checkpoint", run, path)
        if told and not run.done:
            raise Interrupted(
                f"ended by SIGTERM after step {run.step}; {last_good(run.last_checkpoint)}"
            )


def _saver(setup: Setup, updater: Updater, losses: Losses, events: Callbacks) -> Saver | None:
    """What takes checkpoints, if any are to be taken."""
    if setup.checkpoints is None or setup.folder is None:
        return None
    folder = Path(setup.folder) / "checkpoints"
    return Saver(folder, setup.checkpoints, updater, losses, events)


def _new_run(
    net: Any, batches: int, accumulate: int, epochs: int | None, steps: int | None, setup: Setup
) -> Run:
    """A run that has not begun."""
    if (epochs is None) == (steps is None):
        raise ValueError(f"give epochs or steps, one of both; got {epochs!r} and {steps!r}")
    length = steps if epochs is None else epochs
    if not isinstance(length, int) or length < 1:
        raise ValueError(f"epochs or steps must be a whole number above 0, got {length!r}")
    steps_per_epoch = -(-batches // accumulate)
    return Run(
        net,
        steps_per_epoch,
        length if epochs is None else length * steps_per_epoch,
        batches,
        seed=setup.seed,
        rank=setup.workers.rank,
        size=setup.workers.size,
        folder=None if setup.folder is None else Path(setup.folder),
        config=dict(setup.config),
    )
