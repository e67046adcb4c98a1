from __future__ import annotations

import math

import numpy as np
import pytest

from toolkit.utils.training import (
    Constant,
    Cosine,
    InEpochs,
    InverseSquareRoot,
    Linear,
    Polynomial,
    Schedule,
    Sequence,
    Steps,
    WarmUp,
    warm_cosine,
)

FORMULAS = {
    "constant": (Constant(0.3), lambda t: 0.3),
    "steps": (Steps(1.0, (10, 20), 0.5), lambda t: 1.0 if t < 10 else 0.5 if t < 20 else 0.25),
    "linear": (Linear(1.0, 20, 0.2), lambda t: 1 - 0.8 * t / 20 if t < 20 else 0.2),
    "polynomial": (
        Polynomial(1.0, 20, 0.2, power=0.9),
        lambda t: 0.2 + 0.8 * (1 - t / 20) ** 0.9 if t < 20 else 0.2,
    ),
    "cosine": (
        Cosine(1.0, 20, 0.2),
        lambda t: 0.2 + 0.4 * (1 + math.cos(math.pi * t / 20)) if t < 20 else 0.2,
    ),
    "inverse square root": (InverseSquareRoot(2.0, 4), lambda t: 2 * (4 / (4 + t)) ** 0.5),
    "warm-up": (
        WarmUp(Linear(1.0, 20), 5, start=0.5),
        lambda t: 0.5 + 0.1 * t if t < 5 else max(1 - (t - 5) / 20, 0),
    ),
    "sequence": (
        Sequence(((Constant(1.0), 3), (Linear(1.0, 10), 10), (Constant(0.5), 1))),
        lambda t: 1.0 if t < 3 else 1 - (t - 3) / 10 if t < 13 else 0.5,
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_a_schedule_equals_its_formula(name: str) -> None:
    schedule, formula = FORMULAS[name]
    for position in [*range(31), 2.25, 19.5]:
        assert schedule(position) == pytest.approx(formula(position), rel=1e-12), position


def test_warm_up_and_inverse_square_root_are_the_transformers_schedule() -> None:
    units, warm = 512, 40
    peak = (units * warm) ** -0.5
    schedule = WarmUp(InverseSquareRoot(peak, warm), warm)
    for step in range(1, 200):
        expected = units**-0.5 * min(step**-0.5, step * warm**-1.5)
        assert schedule(step) == pytest.approx(expected, rel=1e-12)


def test_epochs_become_updates() -> None:
    schedule = InEpochs(Steps(1.0, (2,), 0.1)).per_step(50)
    assert [schedule(step) for step in (0, 99, 100)] == [1.0, 1.0, 0.1]
    smooth = InEpochs(Linear(1.0, 2)).per_step(50)
    assert smooth(25) == pytest.approx(0.75)
    assert InEpochs(Linear(1.0, 2))(0.5) == pytest.approx(0.75)


def test_updates_stay_updates() -> None:
    schedule = Cosine(1.0, 10)
    assert schedule.per_step(50) is schedule


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Linear(1.0, 0), "length of a schedule must be above 0, got 0"),
        (lambda: InverseSquareRoot(1.0, -1), "scale"),
        (lambda: Steps(1.0, (20, 10)), "ascend"),
        (lambda: Sequence(()), "at least one"),
        (lambda: WarmUp(InEpochs(Constant(1.0)), 5), "whole schedule"),
        (lambda: InEpochs(InEpochs(Constant(1.0))), "whole schedule"),
    ],
)
def test_what_makes_no_schedule_is_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


def test_schedules_that_say_the_same_are_equal() -> None:
    assert Cosine(1.0, 10) == Cosine(1.0, 10, 0.0)
    assert isinstance(Cosine(1.0, 10), Schedule)
    assert np.isclose(Cosine(1.0, 10)(1e9), 0)


@pytest.mark.parametrize(
    ("warm_up", "wanted"),
    [(5, InEpochs(WarmUp(Cosine(0.4, 85), 5))), (0, InEpochs(Cosine(0.4, 90)))],
)
def test_a_warm_cosine_ends_with_the_run(warm_up: int, wanted: InEpochs) -> None:
    schedule = warm_cosine(0.4, 90, warm_up)
    assert schedule == wanted
    assert schedule(90) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("warm_up", [-1, 3, 4])
def test_a_warm_up_is_shorter_than_the_run(warm_up: int) -> None:
    with pytest.raises(ValueError, match=f"a warm-up of {warm_up} epochs is not below the 3 of"):
        warm_cosine(0.1, 3, warm_up)
