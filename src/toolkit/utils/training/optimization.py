"""How parameters are updated, as data, and how that is applied to a network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from mxnet.gluon import Parameter

from toolkit.utils.registry import nearest, unknown
from toolkit.utils.training.precision import PRECISIONS
from toolkit.utils.training.schedules import Constant, Schedule

BIAS_AND_NORM = r"(bias|gamma|beta)$"


@dataclass(frozen=True)
class Group:
    """What is different for some parameters; of several groups that fit, factors multiply."""

    pattern: str  # a regular expression that is searched for in structural names
    _: KW_ONLY
    learning_rate: float = 1.0  # factor
    weight_decay: float = 1.0  # factor
    frozen: bool = False  # not updated at all


@dataclass(frozen=True)
class Optimization:
    """How the parameters of a network are updated.

    Structural names are those of ``net.save_parameters``: ``features.0.weight``.

    Raises:
        ValueError: a number that is out of its range.
    """

    optimizer: str = "sgd"  # of MXNet, or "adamw", "bertadam"
    learning_rate: float | Schedule = 0.01
    _: KW_ONLY
    options: Mapping[str, Any] = field(default_factory=dict)  # of the optimizer: momentum, ...
    weight_decay: float = 0.0
    undecayed: str = BIAS_AND_NORM  # pattern of names that weight decay leaves alone; "" for none
    groups: tuple[Group, ...] = ()
    clip_norm: float | None = None  # largest norm of the mean gradient of all parameters together
    accumulate: int = 1  # batches that make up one update
    average: float | None = None  # decay of a moving average of the parameters
    precision: str = "float32"  # what a hybridized network computes in; or "bfloat16", "float16"
    unused: bool = False  # whether parameters may be without a gradient, and are left as they are

    def __post_init__(self) -> None:
        if self.accumulate < 1:
            raise ValueError(f"accumulate must be 1 or more, got {self.accumulate!r}")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise ValueError(f"clip_norm must be None or above 0, got {self.clip_norm!r}")
        if self.average is not None and not 0 < self.average < 1:
            raise ValueError(f"average must be None or in (0, 1), got {self.average!r}")
        if self.precision not in PRECISIONS:
            raise ValueError(unknown("precision", self.precision, PRECISIONS))
        if reserved := {"learning_rate", "wd", "rescale_grad", "lr_scheduler"} & set(self.options):
            raise ValueError(f"options has {sorted(reserved)}, which the engine sets by itself")

    def schedule(self, steps_per_epoch: int) -> Schedule:
        """The learning rate over updates."""
        if isinstance(self.learning_rate, Schedule):
            return self.learning_rate.per_step(steps_per_epoch)
        return Constant(self.learning_rate)


@contextmanager
def applied(optimization: Optimization, params: Mapping[str, Parameter]) -> Iterator[None]:
    """Sets the factors of all parameters and freezes some, until the end of the block.

    Raises:
        ValueError: a group fits no parameter, or nothing is left to be trained.
    """
    before = {key: (p.lr_mult, p.wd_mult, p.grad_req) for key, p in params.items()}
    for group in optimization.groups:
        _check_group(group, params)
    try:
        for key, param in params.items():
            _set(param, key, optimization)
        if all(param.grad_req == "null" for param in params.values()):
            raise ValueError(f"nothing is left to be trained of {len(params)} parameters")
        yield
    finally:
        for key, param in params.items():
            param.lr_mult, param.wd_mult, param.grad_req = before[key]


def _set(param: Parameter, key: str, optimization: Optimization) -> None:
    fitting = [group for group in optimization.groups if re.search(group.pattern, key)]
    for group in fitting:
        param.lr_mult *= group.learning_rate
        param.wd_mult *= group.weight_decay
    if optimization.undecayed and re.search(optimization.undecayed, key):
        param.wd_mult = 0.0
    if any(group.frozen for group in fitting):
        param.grad_req = "null"
    elif param.grad_req != "null":
        param.grad_req = "write" if optimization.accumulate == 1 else "add"


def _check_group(group: Group, params: Mapping[str, Parameter]) -> None:
    if any(re.search(group.pattern, key) for key in params):
        return
    known = nearest(group.pattern, params) or list(params)[:5]
    raise ValueError(f"group {group.pattern!r} fits no parameter; there are {', '.join(known)}")
