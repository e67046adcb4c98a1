from __future__ import annotations

import sys
from pathlib import Path

import pytest

from toolkit.utils.training import TensorBoardLog
from toolkit.utils.training.run import Run

pytest.importorskip("tensorboardX")


def scalars(folder: Path) -> list[tuple[str, int, float]]:
    """What the event files of a folder hold, in the order of their writing."""
    from tensorboardX import proto
    from tensorboardX.record_writer import masked_crc32c  # the format: length, crc, data, crc

    found = []
    for file in sorted(folder.glob("events.*")):
        data, at = file.read_bytes(), 0
        while at < len(data):
            size = int.from_bytes(data[at : at + 8], "little")
            payload = data[at + 12 : at + 12 + size]
            crc = int.from_bytes(data[at + 12 + size : at + 16 + size], "little")
            assert masked_crc32c(payload) == crc
            event = proto.event_pb2.Event.FromString(payload)
            found += [(v.tag, event.step, v.simple_value) for v in event.summary.value]
            if event.session_log.status:
                found.append(("session", event.step, float(event.session_log.status)))
            at += size + 16
    return found


def write(folder: Path, first: int, last: int, rank: int = 0) -> None:
    log, run = TensorBoardLog(), Run(None, 2, 6, step=first, folder=folder, rank=rank)
    log.on_start(run)
    while run.step < last:
        run.step += 1
        run.learning_rate = 0.5
        run.record({"loss": float(run.step)})
        log.on_log(run)
        log.on_step(run)
    run.record({"val_loss": 7.0})
    log.on_epoch(run)
    log.on_end(run)


def test_values_come_with_their_step(tmp_path: Path) -> None:
    write(tmp_path, 0, 2)
    assert scalars(tmp_path / "tensorboard") == [
        ("loss", 1, 1.0), ("learning_rate", 1, 0.5),
        ("loss", 2, 2.0), ("learning_rate", 2, 0.5),
        ("val_loss", 2, 7.0),
    ]  # fmt: skip


def test_a_resume_hides_what_came_after_its_step(tmp_path: Path) -> None:
    write(tmp_path, 2, 3)
    assert scalars(tmp_path / "tensorboard")[0] == ("session", 3, 1.0)  # START: purge from here on


def test_other_ranks_write_nothing(tmp_path: Path) -> None:
    write(tmp_path, 0, 2, rank=1)
    assert list(tmp_path.iterdir()) == []


def test_a_place_is_needed() -> None:
    with pytest.raises(ValueError, match=r"Setup\(folder="):
        TensorBoardLog().on_start(Run(None, 1, 1))


def test_without_the_writer_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'gluon-toolkit\[tensorboard\]'"):
        TensorBoardLog()
