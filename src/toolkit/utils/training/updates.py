"""One update of a network: gradients of some batches, made by all devices, and a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mxnet as mx
from mxnet import autograd
from mxnet.gluon import Parameter, Trainer

from toolkit.utils.training.arrays import all_finite, set_to_zero, squared_norm
from toolkit.utils.training.batches import spread
from toolkit.utils.training.loss_scale import LossScale
from toolkit.utils.training.objective import Forward, StepResult
from toolkit.utils.training.optimization import Optimization
from toolkit.utils.training.optimizers import make_optimizer
from toolkit.utils.training.setup import Setup
from toolkit.utils.training.workers import Workers


class Updater:
    """Adds up gradients with `add`, then updates the parameters with `apply`."""

    def __init__(
        self, net: Any, *, forward: Forward, optimization: Optimization, setup: Setup
    ) -> None:
        params = net._collect_params_with_prefix()
        self._net, self._forward = net, forward
        self.workers, self._contexts = setup.workers, setup.contexts
        self._optimization = optimization
        self._trained = [p for p in params.values() if p.grad_req != "null"]
        self._on_kvstore = updates_on_kvstore(setup.workers)
        self.trainer = make_trainer(params, optimization, setup)
        self._batches = 0  # added since the last update,
        self._handed_over = False  # whether servers have the optimizer
        self._count = 0.0  # and what their losses are divided by
        # bfloat16 has the range of float32: nothing vanishes in it.
        self.loss_scale = LossScale() if optimization.precision == "float16" else None

    def start(self) -> None:
        """Gives all workers of a job the parameters of one of them, before the first batch.

        MXNet's trainer would do so after the first gradients, and without a barrier: those of a
        fast worker could overtake the parameters on their way to a slow one.
        """
        if self.workers.store is not None:
            self.trainer._init_kvstore()
            self.trainer._init_params()
            self.workers.barrier()

    @property
    def pending(self) -> bool:
        """Whether something was added since the last update."""
        return self._batches > 0

    @property
    def complete(self) -> bool:
        """Whether enough was added for an update."""
        return self._batches >= self._optimization.accumulate

    def add(self, batch: Any) -> list[StepResult]:
        """Computes the gradients of one batch; each device takes its part."""
        parts = spread(batch, self._contexts)
        with autograd.record():
            results = [self._forward(self._net, part) for part in parts]
        losses = [result.loss for result in results]
        scale = self.loss_scale and self.loss_scale.scale
        heads = [mx.nd.full(x.shape, scale, x.context, x.dtype) for x in losses] if scale else None
        autograd.backward(losses, heads)
        self._batches += 1
        self._count += sum(result.divisor for result in results)
        return results

    def apply(self, learning_rate: float) -> None:
        """Updates the parameters by what was added since the last time."""
        optimization, count = self._optimization, self._count * self.workers.size
        self._batches, self._count = 0, 0.0
        if self.loss_scale:
            count *= self.loss_scale.scale
        if self._on_kvstore:
            self._hand_over(learning_rate, count / self.workers.size)
        else:
            self.trainer.set_learning_rate(learning_rate)
            self.trainer.allreduce_grads()
            if optimization.clip_norm is not None:
                self._clip(optimization.clip_norm * count)
            if self._fits():
                self.trainer.update(count, ignore_stale_grad=optimization.unused)
        if optimization.accumulate > 1:
            for context in self._contexts:
                set_to_zero([param.grad(context) for param in self._trained])

    def _fits(self) -> bool:
        """Whether no gradient has overflowed; the loss is scaled less after that."""
        if self.loss_scale is None:
            return True
        finite = all_finite([param.list_grad()[0] for param in self._trained])
        self.loss_scale.update(finite=finite)
        return finite

    def _hand_over(self, learning_rate: float, count: float) -> None:
        """Lets servers make an update of this worker's mean gradient alone, as theirs come."""
        changed = learning_rate != self.trainer.learning_rate
        self.trainer.set_learning_rate(learning_rate)  # the servers get it with the first update,
        for param in self._trained:  # but never a divisor, which may differ from batch to batch
            for grad in param.list_grad():
                grad /= count
        if changed and self._handed_over and self.workers.rank == 0:
            self.workers.command({"learning_rate": learning_rate})
        self.trainer.step(1, ignore_stale_grad=self._optimization.unused)
        self._handed_over = True

    def finite(self) -> bool:
        """Whether all trained parameters are finite numbers; waits for them."""
        return all_finite([param.list_data()[0] for param in self._trained])

    def _clip(self, largest: float) -> None:
        """Shortens the gradients of each device, taken as one vector, without waiting for it."""
        for context in self._contexts:
            grads = [param.grad(context) for param in self._trained]
            norm = mx.nd.sqrt(squared_norm(grads))
            factor = mx.nd.clip(largest / (norm + 1e-12), 0, 1)
            for grad in grads:
                mx.nd.broadcast_mul(grad, factor.reshape((1,) * grad.ndim), out=grad)


def make_trainer(
    params: Mapping[str, Parameter], optimization: Optimization, setup: Setup
) -> Trainer:
    """Gluon's trainer of the parameters, in the order of their structural names."""
    workers = setup.workers
    on_kvstore = updates_on_kvstore(workers)
    if on_kvstore and (
        optimization.clip_norm is not None
        or optimization.accumulate > 1
        or optimization.precision == "float16"
    ):
        raise ValueError(
            "clip_norm, accumulate and float16 need all gradients in one place, "
            f"which {workers.kvstore} does not have"
        )
    optimizer = make_optimizer(
        optimization.optimizer,
        learning_rate=0.0,  # set before each update
        wd=optimization.weight_decay,
        **optimization.options,
    )
    if all(context.device_type == "cpu" for context in setup.contexts):
        # Operators on many arrays go through all of them number by number there.
        optimizer.aggregate_num = min(optimizer.aggregate_num, 1)
    trainer = Trainer(
        list(dict.fromkeys(params.values())),  # shared parameters once
        optimizer,
        kvstore=workers.store or (None if len(setup.contexts) == 1 else "device"),
        update_on_kvstore=on_kvstore,
    )
    if on_kvstore:  # servers know parameters by their numbers only
        numbered = list(enumerate(trainer._params))
        trainer.optimizer.set_lr_mult({number: param.lr_mult for number, param in numbered})
        trainer.optimizer.set_wd_mult({number: param.wd_mult for number, param in numbered})
    return trainer


def updates_on_kvstore(workers: Workers) -> bool:
    """Whether servers update parameters by themselves, one worker's gradients at a time."""
    return workers.kvstore is not None and "async" in workers.kvstore
