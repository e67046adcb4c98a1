"""Learning rates as functions of the position in a training run.

A schedule maps the number of updates made so far (0 before the first one) to the learning rate of
the next update. Inside `InEpochs` the position, and with it every length, counts epochs instead;
positions between two epochs are fractions, so that smooth schedules stay smooth.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass


class Schedule(ABC):
    """A learning rate for each position."""

    @abstractmethod
    def __call__(self, position: float) -> float:
        """The learning rate of the update that follows ``position`` updates."""

    def per_step(self, steps_per_epoch: int) -> Schedule:
        """The same schedule over updates."""
        return self


@dataclass(frozen=True)
class Constant(Schedule):
    """One value for ever."""

    value: float

    def __call__(self, position: float) -> float:
        """The learning rate there."""
        return self.value


@dataclass(frozen=True)
class Steps(Schedule):
    """``start * factor ** (number of boundaries reached)``."""

    start: float
    at: tuple[float, ...]  # boundaries, ascending
    factor: float = 0.1

    def __post_init__(self) -> None:
        if list(self.at) != sorted(set(self.at)):
            raise ValueError(f"boundaries must ascend, got {self.at}")

    def __call__(self, position: float) -> float:
        """The learning rate there."""
        return self.start * self.factor ** sum(position >= boundary for boundary in self.at)


@dataclass(frozen=True)
class Polynomial(Schedule):
    """``end + (start - end) * (1 - position / length) ** power``, then ``end``."""

    start: float
    length: float
    end: float = 0.0
    power: float = 2.0

    def __post_init__(self) -> None:
        _check_length(self.length)

    def __call__(self, position: float) -> float:
        """The learning rate there."""
        left = 1 - min(position / self.length, 1)
        return self.end + (self.start - self.end) * left**self.power


@dataclass(frozen=True)
class Linear(Schedule):
    """A straight line from ``start`` to ``end``, then ``end``."""

    start: float
    length: float
    end: float = 0.0

    def __post_init__(self) -> None:
        _check_length(self.length)

    def __call__(self, position: float) -> float:
        """The learning rate there."""
        return self.start + (self.end - self.start) * min(position / self.length, 1)


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine wave from ``start`` to ``end``, then ``end``.

    Loshchilov and Hutter, 2016, https://arxiv.org/abs/1608.03983, without restarts.
    """

    start: float
    length: float
    end: float = 0.0

    def __post_init__(self) -> None:
        _check_length(self.length)

    def __call__(self, position: float) -> float:
        """The learning rate there."""
        done = min(position / self.length, 1)
        return self.end + (self.start - self.end) * (1 + math.cos(math.pi * done)) / 2


@dataclass(frozen=True)
class InverseSquareRoot(Schedule):
    """``start / sqrt(1 + position / scale)``.

    After a linear `WarmUp` of ``scale`` updates to ``start`` this is the schedule of Vaswani et
    al., 2017, https://arxiv.org/abs/1706.03762: there ``start`` is ``(units * scale) ** -0.5``.
    """

    start: float
    scale: float

    def __post_init__(self) -> None:
        _check_length(self.scale, "scale")

    def __call__(self, position: float) -> float:
        """The learning rate there."""
        return self.start / math.sqrt(1 + position / self.scale)


@dataclass(frozen=True)
class WarmUp(Schedule):
    """A straight line from ``start`` to where ``then`` begins, then ``then`` from its beginning."""

    then: Schedule
    length: float
    start: float = 0.0

    def __post_init__(self) -> None:
        _check_length(self.length)
        _check_whole(self.then)

    def __call__(self, position: float) -> float:
        """The learning rate there."""
        if position >= self.length:
            return self.then(position - self.length)
        return self.start + (self.then(0) - self.start) * position / self.length


@dataclass(frozen=True)
class Sequence(Schedule):
    """Schedules one after the other, each counting from its own beginning.

    Args:
        parts: rows of a schedule and its length; the length of the last one is not looked at.
    """

    parts: tuple[tuple[Schedule, float], ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise ValueError("a sequence of schedules needs at least one")
        for part, length in self.parts:
            _check_length(length)
            _check_whole(part)

    def __call__(self, position: float) -> float:
        """The learning rate there."""
        for part, length in self.parts[:-1]:
            if position < length:
                return part(position)
            position -= length
        return self.parts[-1][0](position)


@dataclass(frozen=True)
class InEpochs(Schedule):
    """Lets a schedule count epochs instead of updates; `fit` knows how many updates those are."""

    schedule: Schedule

    def __post_init__(self) -> None:
        _check_whole(self.schedule)

    def __call__(self, position: float) -> float:
        """The learning rate after ``position`` epochs."""
        return self.schedule(position)

    def per_step(self, steps_per_epoch: int) -> Schedule:
        """The schedule over updates."""
        return _Stretched(self.schedule, steps_per_epoch)


def warm_cosine(peak: float, epochs: float, warm_up: float = 0.0) -> InEpochs:
    """A line from 0 to ``peak`` over ``warm_up`` epochs, then a cosine to 0 at ``epochs``.

    Raises:
        ValueError: the warm-up is not shorter than the whole.
    """
    if not 0 <= warm_up < epochs:
        raise ValueError(f"a warm-up of {warm_up:g} epochs is not below the {epochs:g} of the run")
    cosine = Cosine(peak, epochs - warm_up)
    return InEpochs(WarmUp(cosine, warm_up) if warm_up else cosine)


@dataclass(frozen=True)
class _Stretched(Schedule):
    """A schedule over epochs, asked by updates."""

    schedule: Schedule
    steps_per_epoch: int

    def __call__(self, position: float) -> float:
        """The learning rate there."""
        return self.schedule(position / self.steps_per_epoch)


def _check_length(length: float, what: str = "length") -> None:
    if not length > 0:
        raise ValueError(f"the {what} of a schedule must be above 0, got {length!r}")


def _check_whole(schedule: Schedule) -> None:
    if isinstance(schedule, InEpochs):
        raise ValueError("InEpochs goes around the whole schedule, not around a part of it")
