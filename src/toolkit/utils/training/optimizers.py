"""Optimizers beyond MXNet's, and one door to all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.optimizer import Optimizer

from toolkit.utils.registry import unknown
from toolkit.utils.training.arrays import AT_ONCE


class AdamW(Optimizer):
    """Adam with decoupled weight decay: Loshchilov and Hutter, 2017, https://arxiv.org/abs/1711.05101.

    ``m = b1 m + (1 - b1) g``, ``v = b2 v + (1 - b2) g^2``,
    ``w -= lr * (m' / (sqrt(v') + epsilon) + wd * w)``, where m' and v' are m and v with their bias
    towards zero corrected, or m and v themselves.

    Args:
        learning_rate: Step size.
        beta1: Decay of the mean of gradients.
        beta2: Decay of the mean of squared gradients.
        epsilon: Added to the root of the second.
        bias_correction: Whether m and v are corrected; BERT was trained without.
        options: Those of every MXNet optimizer (``wd``, ``clip_gradient``, ...).
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        *,
        epsilon: float = 1e-8,
        bias_correction: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, **options)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.bias_correction = bias_correction
        self.aggregate_num = AT_ONCE  # parameters updated by one operator call

    def create_state(self, index: int, weight: mx.nd.NDArray) -> tuple[mx.nd.NDArray, ...]:
        """The means of the gradients and of their squares, both zero."""
        return tuple(mx.nd.zeros(weight.shape, weight.context, weight.dtype) for _ in range(2))

    def update(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """Updates parameters of one type: sequences of equal length."""
        means, squares = zip(*state, strict=True)
        self._update(mx.nd.contrib.multi_adamw_update, index, (weight, grad, means, squares))

    def update_multi_precision(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """The same, by way of float32 copies where that is asked for and weights are float16."""
        if not (self.multi_precision and weight[0].dtype == np.float16):
            self.update(index, weight, grad, state)
            return
        copies, pairs = zip(*state, strict=True)
        means, squares = zip(*pairs, strict=True)
        columns = (weight, grad, means, squares, copies)
        self._update(mx.nd.contrib.multi_mp_adamw_update, index, columns)

    def _update(
        self, operator: Callable[..., Any], index: Sequence[int], columns: tuple[Any, ...]
    ) -> None:
        self._update_count(index)
        rates, decays = self._get_lrs(index), self._get_wds(index)
        for time, rows in self._by_time(index).items():
            mean, root = 1.0, 1.0  # what the bias leaves of m and of sqrt(v)
            if self.bias_correction:
                mean, root = 1 - self.beta1**time, math.sqrt(1 - self.beta2**time)
            chosen = [[column[row] for row in rows] for column in columns]
            # w -= eta * (lr * m / (sqrt(v) + epsilon) + wd * w)
            operator(
                *chosen,
                out=chosen[0],
                etas=[rates[row] for row in rows],
                lrs=[root / mean] * len(rows),
                wds=[decays[row] for row in rows],
                beta1=self.beta1,
                beta2=self.beta2,
                epsilon=self.epsilon * root,
                rescale_grad=self.rescale_grad,
                clip_gradient=self.clip_gradient or -1.0,
            )

    def _by_time(self, index: Sequence[int]) -> dict[int, list[int]]:
        """The rows of parameters that have been updated equally often, by that number."""
        times: dict[int, list[int]] = {}
        for row, key in enumerate(index):
            times.setdefault(self._index_update_count[key], []).append(row)
        return times


# What MXNet's own registry lacks; names are lower-case.
OURS: dict[str, Callable[..., Optimizer]] = {
    "adamw": AdamW,
    "bertadam": partial(AdamW, epsilon=1e-6, bias_correction=False),
}


def make_optimizer(name: str, **options: Any) -> Optimizer:
    """An optimizer by name: one of `OURS` or of MXNet (``sgd``, ``nag``, ``adam``, ``lamb``, ...).

    Raises:
        ValueError: no optimizer has this name.
        TypeError: the optimizer does not take one of the options.
    """
    makers = {**Optimizer.opt_registry, **OURS}
    if name.lower() not in makers:
        raise ValueError(unknown("optimizer", name, makers))
    return makers[name.lower()](**options)
