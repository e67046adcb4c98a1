from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mxnet.gluon import nn

from toolkit.utils.training import (
    INTERRUPTED,
    Checkpoints,
    DivergedError,
    EarlyStopping,
    Evaluation,
    Interrupted,
    Optimization,
    Run,
    Setup,
    best_checkpoint,
    list_checkpoints,
)
from toolkit.utils.training.saver import check_shapes, own_names
from toolkit.utils.training.snapshots import read_snapshot

OPTIMIZATION = Optimization("adamw", 0.02, weight_decay=0.1, accumulate=2, average=0.9)


class At:
    """Does something after an update."""

    def __init__(self, step: int, action: Callable[[Run], Any]) -> None:
        self.step, self.action = step, action
        self.saved: list[str] = []

    def on_step(self, run: Run) -> None:
        if run.step == self.step:
            self.action(run)

    def on_checkpoint(self, run: Run, path: Path) -> None:
        self.saved.append(path.name)


def setup(folder: Path, **options: Any) -> Setup:
    policy = {"every_epochs": None, **options}
    return Setup(folder=folder, checkpoints=Checkpoints(**policy), seed_every=1)


def crash(run: Run) -> None:
    raise MemoryError("as if killed")


def noise(run: Run) -> None:
    run.net[0].weight.data()[:] += np.random.normal(scale=0.01)


class Noise:
    """Draws from NumPy's global generator, as some augmentations do."""

    def on_step(self, run: Run) -> None:
        noise(run)


@pytest.mark.parametrize("step", [3, 6, 7, 11])  # 6 updates an epoch
def test_a_run_that_died_goes_on_bit_for_bit(
    step: int, kit: Any, tmp_path: Path, same_parameters: Callable
) -> None:
    straight, resumed = kit.make_net(), kit.make_net()
    options = {"loader": kit.Batches(24, 2), "epochs": 2, "optimization": OPTIMIZATION}
    first = kit.train(straight, callbacks=[Noise()], setup=setup(tmp_path / "a"), **options)
    with pytest.raises(MemoryError):
        kit.train(
            kit.make_net(),
            callbacks=[Noise(), At(step, crash)],
            setup=setup(tmp_path / "b", every_steps=2),
            **options,
        )
    np.random.seed(99)
    second = kit.train(
        resumed, callbacks=[Noise()], setup=setup(tmp_path / "b", every_steps=2), **options
    )
    same_parameters(straight, resumed)
    averages = second.average.arrays()
    for key, value in first.average.arrays().items():
        np.testing.assert_array_equal(value, averages[key], err_msg=key)
    assert second.step == first.step == 12
    assert second.values["epoch_loss"] == first.values["epoch_loss"]


def test_checkpoints_come_at_epochs_and_at_the_end(kit: Any, tmp_path: Path) -> None:
    log = At(0, crash)
    kit.train(kit.make_net(), steps=18, callbacks=[log], setup=setup(tmp_path, every_epochs=2))
    assert log.saved == [f"step-0000000{step:02d}" for step in (8, 16, 18)]


def test_checkpoints_by_steps_wait_for_a_place_to_seed(kit: Any, tmp_path: Path) -> None:
    log = At(0, crash)
    places = Setup(
        folder=tmp_path, checkpoints=Checkpoints(every_epochs=None, every_steps=5), seed_every=4
    )
    kit.train(kit.make_net(), kit.Batches(60, 2), epochs=1, callbacks=[log], setup=places)
    assert [int(name[-2:]) for name in log.saved] == [8, 12, 16, 20, 28, 30]


def test_checkpoints_may_come_by_the_clock(
    kit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]

    class Clock:
        def on_step(self, run: Run) -> None:
            clock[0] += 60

    monkeypatch.setattr("toolkit.utils.training.saver.time.monotonic", lambda: clock[0])
    log = At(0, crash)
    kit.train(
        kit.make_net(), steps=4, callbacks=[Clock(), log], setup=setup(tmp_path, every_minutes=2)
    )
    assert [int(name[-2:]) for name in log.saved] == [2, 4]


def test_the_best_checkpoint_is_kept(kit: Any, tmp_path: Path) -> None:
    evaluation = Evaluation(kit.Batches(seed=1), forward=kit.forward)
    policy = setup(tmp_path, every_epochs=1, keep=1, best="val_loss", mode="min")
    kit.train(kit.make_net(), epochs=6, callbacks=[evaluation], setup=policy)
    folder = tmp_path / "checkpoints"
    best = best_checkpoint(folder, "val_loss", mode="min")
    assert 1 <= len(list_checkpoints(folder)) <= 2
    net = kit.make_net()
    net.load_parameters(str(best / "parameters.params"))
    again = kit.train(kit.make_net(), epochs=6, callbacks=[evaluation], setup=policy)
    assert again.values["val_loss"] >= read_snapshot(best).state["run"]["values"]["val_loss"]


def test_sigterm_saves_and_ends_with_a_code_of_its_own(
    kit: Any, tmp_path: Path, same_parameters: Callable
) -> None:
    straight, resumed = kit.make_net(), kit.make_net()
    kit.train(straight, epochs=3, setup=setup(tmp_path / "a"))
    told = At(5, lambda run: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Interrupted, match=r"ended by SIGTERM after step 5; last good.*005") as end:
        kit.train(kit.make_net(), epochs=3, callbacks=[told], setup=setup(tmp_path / "b"))
    assert end.value.code == INTERRUPTED
    assert told.saved == ["step-000000005"]
    kit.train(resumed, epochs=3, setup=setup(tmp_path / "b"))
    same_parameters(straight, resumed)


def test_sigterm_ends_a_run_without_checkpoints(kit: Any) -> None:
    told = At(2, lambda run: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Interrupted, match="after step 4; there is no checkpoint"):
        kit.train(kit.make_net(), epochs=3, callbacks=[told])


def test_a_full_disk_ends_the_run_and_names_the_last_good_checkpoint(
    kit: Any, tmp_path: Path, disk_with_room: Callable
) -> None:
    full = At(3, lambda run: disk_with_room(500))
    with pytest.raises(OSError, match=r"no space left.*; last good checkpoint: .*step-000000002"):
        kit.train(kit.make_net(), epochs=2, callbacks=[full], setup=setup(tmp_path, every_steps=2))
    found = list_checkpoints(tmp_path / "checkpoints")
    assert [read_snapshot(path).state["run"]["step"] for path in found] == [2]
    assert os.listdir(tmp_path / "checkpoints") == [found[0].name]


def test_parameters_that_are_not_finite_are_not_saved(kit: Any, tmp_path: Path) -> None:
    def spoil(run: Run) -> None:
        run.net[1].running_mean.data()[:] = np.inf

    with pytest.raises(DivergedError, match=r"1.running_mean is not finite at step 4.*step-0000"):
        kit.train(
            kit.make_net(),
            epochs=2,
            callbacks=[At(3, spoil)],
            setup=setup(tmp_path, every_steps=2),
        )
    assert len(list_checkpoints(tmp_path / "checkpoints")) == 1


def test_a_stopped_run_stays_stopped(kit: Any, tmp_path: Path) -> None:
    def train() -> Run:
        callbacks = [
            Evaluation(kit.Batches(seed=1), forward=kit.forward),
            EarlyStopping("val_loss", patience=2, mode="max"),
        ]
        policy = setup(tmp_path, every_epochs=1)
        return kit.train(kit.make_net(), epochs=50, callbacks=callbacks, setup=policy)

    first = train()
    assert first.stopped.startswith("val_loss")
    assert first.epoch < 50
    second = train()
    assert (second.step, second.stopped) == (first.step, first.stopped)


def test_a_run_may_be_made_longer(kit: Any, tmp_path: Path, same_parameters: Callable) -> None:
    straight, longer = kit.make_net(), kit.make_net()
    kit.train(straight, epochs=3, setup=Setup(seed_every=1))
    kit.train(kit.make_net(), epochs=1, setup=setup(tmp_path))
    kit.train(longer, epochs=3, setup=setup(tmp_path))
    same_parameters(straight, longer)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"net": nn.Dense(3, in_units=4)}, r"another network: the network has weight \(3, 4\)"),
        ({"optimization": Optimization("adam")}, "of the optimizer SGD, not of Adam"),
        ({"samples": 30}, "taken with 4 batches an epoch, the loader now has 5"),
        ({"seed": 1}, "began with seed 0, not 1"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(
    options: dict[str, Any], message: str, kit: Any, tmp_path: Path
) -> None:
    kit.train(kit.make_net(), setup=setup(tmp_path))
    net = options.get("net") or kit.make_net()
    net.initialize(force_reinit=True)
    before = kit.parameters(net)
    with pytest.raises(ValueError, match=rf"step-000000004: .*{message}"):
        kit.train(
            net,
            kit.Batches(options.get("samples", 24)),
            optimization=options.get("optimization", Optimization()),
            setup=Setup(seed=options.get("seed", 0), folder=tmp_path, checkpoints=Checkpoints()),
        )
    assert all((value == before[key]).all() for key, value in kit.parameters(net).items())


def test_the_first_keys_that_do_not_match_are_named() -> None:
    theirs = {"a": np.zeros(2), "b": np.zeros((2, 3)), "x": np.zeros(1)}
    check_shapes({"a": (2,), "b": (2, 3), "x": (1,)}, theirs)
    with pytest.raises(ValueError, match=r"the network has c \(4,\); the checkpoint has x \(1,\)$"):
        check_shapes({"a": (2,), "b": (2, 3), "c": (4,)}, theirs)
    with pytest.raises(ValueError, match=r": b is \(3, 2\), in the checkpoint \(2, 3\)$"):
        check_shapes({"a": (2,), "b": (3, 2), "x": (1,)}, theirs)


def test_checkpoints_need_a_folder() -> None:
    with pytest.raises(ValueError, match="checkpoints need a folder"):
        Setup(checkpoints=Checkpoints())


def test_shared_parameters_have_one_name() -> None:
    first = nn.Dense(3, in_units=3)
    net = nn.HybridSequential()
    net.add(first, nn.Dense(3, in_units=3, params=first.params))
    assert sorted(own_names(net).values()) == ["0.bias", "0.weight"]
