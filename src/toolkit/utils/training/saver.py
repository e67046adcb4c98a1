"""Takes checkpoints of a run, and brings a run back to one."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np

from toolkit.utils.training import optimizer_states, random_states
from toolkit.utils.training.callbacks import Callbacks
from toolkit.utils.training.checkpoints import Checkpoints, Shelf
from toolkit.utils.training.errors import last_good
from toolkit.utils.training.loss_scale import LossScale
from toolkit.utils.training.losses import Losses, diverged
from toolkit.utils.training.run import Run
from toolkit.utils.training.snapshots import Snapshot
from toolkit.utils.training.updates import Updater

PROGRESS = ("epoch", "batch", "step", "samples", "learning_rate", "stopped")
POSITION = (*PROGRESS, "values", "measured_at")
_log = logging.getLogger(__name__)


class Saver:
    """Knows all parts of a run that a checkpoint holds."""

    def __init__(
        self,
        folder: Path,
        policy: Checkpoints,
        updater: Updater,
        losses: Losses,
        events: Callbacks,
    ) -> None:
        self._policy = policy
        self._shelf = Shelf(folder, policy)
        self._updater, self._losses, self._events = updater, losses, events
        self._saved = (0, 0)  # epoch and step of the latest checkpoint,
        self._saved_at = time.monotonic()  # and when it was taken

    def due(self, run: Run, *, epoch_ended: bool) -> bool:
        """Whether it is time for a checkpoint."""
        policy, step = self._policy, self._saved[1]
        if self._saved == (run.epoch, run.step):
            return False
        if run.done:
            return epoch_ended
        if epoch_ended and policy.every_epochs and run.epoch % policy.every_epochs == 0:
            return True
        if policy.every_steps and run.step // policy.every_steps > step // policy.every_steps:
            return True
        minutes = (time.monotonic() - self._saved_at) / 60
        return policy.every_minutes is not None and minutes >= policy.every_minutes

    def save(self, run: Run) -> Path | None:
        """Takes a checkpoint; only the first worker writes it.

        Returns:
            Where it lies; None on other workers.

        Raises:
            DivergedError: a parameter is not finite.
            OSError: it cannot be written; the last good checkpoint is named.
        """
        self._saved, self._saved_at = (run.epoch, run.step), time.monotonic()
        if run.rank:
            return None
        snapshot = self._snapshot(run)
        for key, array in snapshot.parameters.items():
            if not np.isfinite(array).all():
                raise diverged(run, f"{key} is not finite")
        try:
            run.last_checkpoint = self._shelf.put(run.step, snapshot)
        except OSError as error:
            message = f"{error.strerror or error}; {last_good(run.last_checkpoint)}"
            raise OSError(error.errno, message, error.filename) from error
        return run.last_checkpoint

    def resume(self, run: Run) -> None:
        """Brings a run that has not begun to its latest checkpoint, where there is one.

        Raises:
            ValueError: the checkpoint is one of another network, optimizer or loader.
            OSError: see `Shelf.open`.
        """
        if not run.rank:
            self._shelf.tidy()
        self._updater.workers.barrier()
        found = self._shelf.open()
        if found is None:
            return
        path, snapshot = found
        state = snapshot.state
        try:
            self._check(run, snapshot)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        for key, param in run.net._collect_params_with_prefix().items():
            param.set_data(mx.nd.array(snapshot.parameters[key], dtype=param.dtype))
        trainer, keys = self._updater.trainer, own_names(run.net)
        optimizer_states.restore(
            trainer, keys, arrays=snapshot.optimizer, numbers=state["optimizer"]
        )
        if run.average:
            run.average.restore(snapshot.average or snapshot.parameters)
        if self._updater.loss_scale and state["loss_scale"]:
            self._updater.loss_scale = LossScale(**state["loss_scale"])
        self._losses.restore(state["losses"])
        self._events.restore(state["callbacks"])
        if not run.rank:  # the others would all draw the same numbers
            random_states.set_state(state["random"])
        for name in POSITION:
            setattr(run, name, state["run"][name])
        run.last_checkpoint = path
        self._saved, self._saved_at = (run.epoch, run.step), time.monotonic()
        _log.info("resumed from %s: epoch %d, step %d", path, run.epoch, run.step)

    def _snapshot(self, run: Run) -> Snapshot:
        mx.nd.waitall()  # MXNet rewrites weights into oneDNN's layout while a network runs
        params = run.net._collect_params_with_prefix()
        trainer, keys = self._updater.trainer, own_names(run.net)
        state = {
            "run": {name: getattr(run, name) for name in POSITION},
            "seed": run.seed,
            "batches_per_epoch": run.batches_per_epoch,
            "optimizer": optimizer_states.get_numbers(trainer, keys),
            "loss_scale": self._updater.loss_scale and asdict(self._updater.loss_scale),
            "losses": self._losses.state(),
            "callbacks": self._events.state(),
            "random": random_states.get_state(),
        }
        return Snapshot(
            state,
            parameters={key: param.list_data()[0].asnumpy() for key, param in params.items()},
            optimizer=optimizer_states.get_arrays(trainer, keys),
            average=run.average.arrays() if run.average else {},
        )

    def _check(self, run: Run, snapshot: Snapshot) -> None:
        params = run.net._collect_params_with_prefix()
        check_shapes({key: param.shape for key, param in params.items()}, snapshot.parameters)
        optimizer_states.check(self._updater.trainer, snapshot.state["optimizer"])
        batches = snapshot.state["batches_per_epoch"]
        if batches != run.batches_per_epoch:
            raise ValueError(
                f"the checkpoint was taken with {batches} batches an epoch, "
                f"the loader now has {run.batches_per_epoch}"
            )
        if snapshot.state["seed"] != run.seed:
            raise ValueError(f"the run began with seed {snapshot.state['seed']}, not {run.seed}")


def check_shapes(
    ours: Mapping[str, tuple[int, ...]], theirs: Mapping[str, np.ndarray], *, named: int = 3
) -> None:
    """Raises ValueError, naming the first keys that do not match, unless arrays fit a network."""
    lacking = [f"the network has {key} {shape}" for key, shape in ours.items() if key not in theirs]
    beyond = [f"the checkpoint has {key} {theirs[key].shape}" for key in theirs if key not in ours]
    lines = lacking[:named] + beyond[:named]
    if not lines:
        lines = [
            f"{key} is {shape}, in the checkpoint {theirs[key].shape}"
            for key, shape in ours.items()
            if theirs[key].shape != shape
        ][:named]
    if lines:
        raise ValueError(f"the checkpoint is one of another network: {'; '.join(lines)}")


def own_names(net: Any) -> dict[str, str]:
    """The structural name of each parameter by its own name; the first one of a shared one."""
    names: dict[str, str] = {}
    for key, param in net._collect_params_with_prefix().items():
        names.setdefault(param.name, key)
    return names
