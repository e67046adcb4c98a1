from __future__ import annotations

from typing import Any

import pytest

from toolkit.utils.training import EarlyStopping, Run


def judge(callback: EarlyStopping, values: list[float | None]) -> Run:
    run = Run(None, steps_per_epoch=1, total_steps=len(values))
    for value in values:
        run.step += 1
        if value is not None:
            run.record({"val_accuracy": value})
        callback.on_epoch(run)
        if run.stopped:
            break
    return run


def test_a_run_ends_when_it_no_longer_gets_better() -> None:
    run = judge(EarlyStopping("val_accuracy", patience=2), [0.5, 0.7, 0.7, 0.6, 0.9])
    assert run.step == 4
    assert run.stopped == "val_accuracy has not got better than 0.7 2 times"


def test_less_may_be_better_and_a_little_may_not_count() -> None:
    callback = EarlyStopping("val_accuracy", patience=2, mode="min", least=0.1)
    assert judge(callback, [1.0, 0.5, 0.45, 0.41, 0.1]).step == 4


def test_epochs_without_a_measurement_do_not_count() -> None:
    callback = EarlyStopping("val_accuracy", patience=1)
    assert not judge(callback, [0.5, None, None, 0.6, None]).stopped


def test_nan_is_never_better() -> None:
    assert judge(EarlyStopping("val_accuracy", patience=2), [float("nan"), float("nan")]).stopped


def test_patience_goes_on_after_a_resume() -> None:
    first = EarlyStopping("val_accuracy", patience=3)
    judge(first, [0.5, 0.4, 0.4])
    second = EarlyStopping("val_accuracy", patience=3)
    second.restore(first.state())
    assert judge(second, [0.45, 0.6]).step == 1


@pytest.mark.parametrize("options", [{"mode": "best"}, {"mode": ""}])
def test_an_unknown_mode_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="unknown mode"):
        EarlyStopping("val_accuracy", **options)


def test_a_value_that_never_came_is_named() -> None:
    run = Run(None, steps_per_epoch=1, total_steps=1, step=1)
    run.record({"val_accuracy": 1.0})
    with pytest.raises(ValueError, match=r"'val_acuracy'; did you mean val_accuracy"):
        EarlyStopping("val_acuracy").on_epoch(run)
