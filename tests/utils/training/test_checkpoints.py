from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.utils.hashes import HashMismatchError
from toolkit.utils.training import Checkpoints, best_checkpoint, list_checkpoints
from toolkit.utils.training.checkpoints import Shelf
from toolkit.utils.training.snapshots import Snapshot, name_of


def snapshot(step: int, score: float | None = None) -> Snapshot:
    values = {} if score is None else {"val_accuracy": score}
    run = {"step": step, "values": values, "measured_at": dict.fromkeys(values, step)}
    return Snapshot({"run": run}, {"weight": np.full(3, step, "float32")})


def steps(folder: Path) -> list[int]:
    return [int(path.name.removeprefix("step-")) for path in list_checkpoints(folder)]


def fill(folder: Path, policy: Checkpoints, scores: list[float | None]) -> Shelf:
    shelf = Shelf(folder, policy)
    for step, score in enumerate(scores, 1):
        shelf.put(step, snapshot(step, score))
    return shelf


def test_the_latest_ones_are_kept(tmp_path: Path) -> None:
    fill(tmp_path, Checkpoints(keep=2), [None] * 5)
    assert steps(tmp_path) == [4, 5]


@pytest.mark.parametrize(("mode", "kept"), [("max", [2, 4, 6]), ("min", [1, 3, 6])])
def test_the_best_ones_are_kept_besides(mode: str, kept: list[int], tmp_path: Path) -> None:
    policy = Checkpoints(keep=1, best="val_accuracy", mode=mode, keep_best=2)
    fill(tmp_path, policy, [0.1, 0.9, 0.2, 0.8, 0.5, None])
    assert steps(tmp_path) == kept
    assert best_checkpoint(tmp_path, "val_accuracy", mode=mode).name == name_of(
        2 if mode == "max" else 1
    )


def test_of_equals_the_later_one_is_best(tmp_path: Path) -> None:
    fill(tmp_path, Checkpoints(keep=1, best="val_accuracy"), [0.5, 0.5, 0.1])
    assert steps(tmp_path) == [2, 3]


def test_a_value_of_earlier_parameters_is_no_score(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, Checkpoints(keep=1, best="val_accuracy"))
    stale = snapshot(2, 0.9)
    stale.state["run"]["measured_at"]["val_accuracy"] = 1
    shelf.put(2, stale)
    shelf.put(3, snapshot(3, 0.1))
    shelf.put(4, snapshot(4))
    assert steps(tmp_path) == [3, 4]


def test_what_is_best_is_known_after_a_restart(tmp_path: Path) -> None:
    policy = Checkpoints(keep=1, best="val_accuracy")
    fill(tmp_path, policy, [0.9, 0.5])
    shelf = Shelf(tmp_path, policy)
    path, found = shelf.open() or (None, None)
    assert path == tmp_path / name_of(2)
    assert found.parameters["weight"].tolist() == [2, 2, 2]
    shelf.put(3, snapshot(3, 0.6))
    assert steps(tmp_path) == [1, 3]


def test_a_damaged_checkpoint_is_left_out_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, Checkpoints(keep=2), [None] * 2)
    for step in (2, 1):
        (tmp_path / name_of(step) / "parameters.params").write_bytes(b"?")
        shelf = Shelf(tmp_path, Checkpoints())
        if step == 2:
            with caplog.at_level(logging.WARNING):
                path, _ = shelf.open() or (None, None)
            assert path == tmp_path / name_of(1)
            assert f"{name_of(2)}: parameters.params is not what was written" in caplog.text
        else:
            with pytest.raises(HashMismatchError, match="no checkpoint is whole"):
                shelf.open()


def test_an_empty_folder_has_nothing_to_resume(tmp_path: Path) -> None:
    assert Shelf(tmp_path / "new", Checkpoints()).open() is None


def test_a_folder_of_another_run_is_refused_where_that_is_wanted(tmp_path: Path) -> None:
    fill(tmp_path, Checkpoints(), [None])
    with pytest.raises(FileExistsError, match=r"another run \(step-000000001\)"):
        Shelf(tmp_path, Checkpoints(resume=False)).open()


def test_a_best_checkpoint_that_is_none_teaches(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="has no checkpoints"):
        best_checkpoint(tmp_path, "val_accuracy")
    fill(tmp_path, Checkpoints(), [0.5])
    with pytest.raises(ValueError, match=r"'val_acc'; did you mean val_accuracy"):
        best_checkpoint(tmp_path, "val_acc")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep": 0}, "keep must be 1 or more"),
        ({"keep_best": -1}, "keep_best 0 or more"),
        ({"mode": "most"}, "unknown mode 'most'"),
        ({"every_steps": 0}, "every_steps must be None or above 0, got 0"),
    ],
)
def test_numbers_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Checkpoints(**options)
