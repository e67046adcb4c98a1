from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.utils.hashes import HashMismatchError
from toolkit.utils.training.snapshots import (
    Snapshot,
    list_checkpoints,
    name_of,
    read_snapshot,
    remove,
    sweep,
    verify,
    write_snapshot,
)

ARRAYS = {"0.weight": np.arange(6, dtype="float32").reshape(2, 3)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "run" / name_of(12)
    write_snapshot(path, Snapshot({"run": {"step": 12}}, ARRAYS, average=ARRAYS))
    return path


def test_what_is_written_is_read(path: Path) -> None:
    snapshot = read_snapshot(path)
    assert snapshot.state == {"run": {"step": 12}}
    assert snapshot.optimizer == {}
    for arrays in (snapshot.parameters, snapshot.average):
        np.testing.assert_array_equal(arrays["0.weight"], ARRAYS["0.weight"])


def test_the_parameters_are_a_file_of_mxnet(path: Path) -> None:
    loaded = mx.nd.load(str(path / "parameters.params"))
    assert loaded["0.weight"].asnumpy().tolist() == ARRAYS["0.weight"].tolist()


def test_sha256sum_checks_it(path: Path) -> None:
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=path, check=True)


@pytest.mark.parametrize("name", ["parameters.params", "state.json"])
def test_a_changed_or_missing_file_is_noticed(name: str, path: Path) -> None:
    content = bytearray((path / name).read_bytes())
    content[-1] ^= 1
    (path / name).write_bytes(content)
    with pytest.raises(HashMismatchError, match=f"{name} is not what was written"):
        read_snapshot(path)
    (path / name).unlink()
    with pytest.raises(HashMismatchError, match=f"{name} is missing"):
        verify(path)


def test_sums_that_are_cut_off_are_noticed(path: Path) -> None:
    (path / "SHA256SUMS").write_text("")
    with pytest.raises(HashMismatchError, match=r"does not name state.json"):
        verify(path)


def test_no_checkpoint_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_snapshot(tmp_path)


def test_a_checkpoint_takes_the_place_of_another(path: Path) -> None:
    write_snapshot(path, Snapshot({"run": {"step": 13}}, ARRAYS))
    assert read_snapshot(path).state == {"run": {"step": 13}}
    assert os.listdir(path.parent) == [path.name]


def test_checkpoints_are_listed_by_step_and_removed(path: Path) -> None:
    for step in (3, 100):
        write_snapshot(path.with_name(name_of(step)), Snapshot({}, ARRAYS))
    (path.parent / "step-other").mkdir()
    assert [found.name for found in list_checkpoints(path.parent)] == [
        name_of(3),
        name_of(12),
        name_of(100),
    ]
    remove(path)
    assert len(list_checkpoints(path.parent)) == 2


@pytest.mark.parametrize("room", [0, 100, 300])
def test_a_full_disk_leaves_the_others(room: int, path: Path, disk_with_room: Any) -> None:
    disk_with_room(room)
    with pytest.raises(OSError, match="no space left on the disk"):
        write_snapshot(path.with_name(name_of(13)), Snapshot({}, ARRAYS, ARRAYS))
    assert os.listdir(path.parent) == [path.name]
    verify(path)


def test_what_a_killed_writer_left_is_cleared_away(path: Path) -> None:
    folder = path.parent
    for end in ("new", "old"):
        (folder / f".{name_of(13)}.{end}").mkdir()
    os.rename(path, folder / f".{path.name}.aside")  # killed between two renames
    sweep(folder)
    assert os.listdir(folder) == [path.name]
    verify(path)
    (folder / f".{path.name}.aside").mkdir()  # killed after them
    sweep(folder)
    assert os.listdir(folder) == [path.name]
