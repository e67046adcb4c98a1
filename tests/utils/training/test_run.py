from __future__ import annotations

from toolkit.utils.training import Run


def test_values_are_fresh_until_the_next_update() -> None:
    run = Run(None, steps_per_epoch=2, total_steps=4)
    run.step = 1
    run.record({"loss": 0.5})
    assert run.fresh("loss") == 0.5
    assert run.fresh("accuracy") is None
    run.step = 2
    assert run.fresh("loss") is None
    assert run.values == {"loss": 0.5}


def test_a_run_is_done_after_its_updates_or_when_stopped() -> None:
    run = Run(None, steps_per_epoch=2, total_steps=4)
    assert not run.done
    run.stop("enough")
    run.stop("later")
    assert (run.done, run.stopped) == (True, "enough")
    assert Run(None, 2, 4, step=4).done
