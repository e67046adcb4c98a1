from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.utils.training.json_log import JsonLog, read_log
from toolkit.utils.training.run import Run


def new_run(folder: Path | None, step: int = 0, **fields: Any) -> Run:
    return Run(
        None, 2, 6, seed=3, folder=folder, step=step, config={"lr": 0.1, "rows": (1,)}, **fields
    )


def advance(log: JsonLog, run: Run, steps: int) -> None:
    """Updates with a reading each, and an epoch at each second."""
    for _ in range(steps):
        run.step += 1
        run.samples += 4
        run.record({"loss": run.step / 4})
        log.on_log(run)
        log.on_step(run)
        if run.step % run.steps_per_epoch == 0:
            run.epoch += 1
            run.record({"val_loss": run.step / 2})
            log.on_epoch(run)


def test_the_rows_of_a_run(tmp_path: Path) -> None:
    log, run = JsonLog(), new_run(tmp_path)
    log.on_start(run)
    advance(log, run, 2)
    log.on_checkpoint(run, tmp_path / "step-2")
    log.on_end(run)
    rows = read_log(tmp_path / "log.jsonl")
    assert [row["event"] for row in rows] == ["start", "log", "log", "epoch", "checkpoint", "end"]
    assert rows[0]["config"] == {"lr": 0.1, "rows": [1]}
    assert rows[0]["versions"]["mxnet"].startswith("1.9")
    assert (rows[0]["seed"], rows[0]["total_steps"], rows[0]["workers"]) == (3, 6, 1)
    assert (rows[1]["step"], rows[1]["loss"], rows[1]["samples"]) == (1, 0.25, 4)
    assert (rows[3]["val_loss"], rows[3]["epoch"]) == (1.0, 1)
    assert "loss" not in rows[3], "told in the row before"
    assert rows[4]["path"] == "step-2"
    assert rows[5]["failure"] is None


def test_a_resume_drops_what_came_after_its_step(tmp_path: Path) -> None:
    first = JsonLog()
    run = new_run(tmp_path)
    first.on_start(run)
    advance(first, run, 5)
    run.failure = KeyboardInterrupt()
    first.on_end(run)
    again, run = JsonLog(), new_run(tmp_path, step=3, epoch=1, samples=12)
    again.on_start(run)
    advance(again, run, 3)
    again.on_end(run)
    rows = read_log(tmp_path / "log.jsonl")
    told = [(row["event"], row["step"]) for row in rows]
    assert told == [
        ("start", 0), ("log", 1), ("log", 2), ("epoch", 2), ("log", 3), ("resume", 3),
        ("log", 4), ("epoch", 4), ("log", 5), ("log", 6), ("epoch", 6), ("end", 6),
    ]  # fmt: skip
    seconds = [row["seconds"] for row in rows]
    assert seconds == sorted(seconds), "time goes on from where the earlier part ended"


def test_a_line_that_a_crash_cut_off_is_dropped(tmp_path: Path) -> None:
    log, run = JsonLog(), new_run(tmp_path)
    log.on_start(run)
    advance(log, run, 1)
    log.on_end(run)
    path = tmp_path / "log.jsonl"
    path.write_text(path.read_text() + '{"event": "log", "step": 2, "lo')
    again, run = JsonLog(), new_run(tmp_path, step=1)
    again.on_start(run)
    again.on_end(run)
    assert [row["event"] for row in read_log(path)] == ["start", "log", "resume", "end"]


def test_a_new_run_keeps_the_earlier_log(tmp_path: Path) -> None:
    for _ in range(2):
        log, run = JsonLog(), new_run(tmp_path)
        log.on_start(run)
        advance(log, run, 1)
        log.on_end(run)
    assert len(read_log(tmp_path / "log.jsonl")) == len(read_log(tmp_path / "log.jsonl.old")) == 3


def test_values_between_two_readings_have_their_own_row(tmp_path: Path) -> None:
    log, run = JsonLog(tmp_path / "mine.jsonl"), new_run(None)
    log.on_start(run)
    run.step = 1
    run.record({"val_acc": 0.5})
    log.on_step(run)
    log.on_end(run)
    assert read_log(tmp_path / "mine.jsonl")[1]["val_acc"] == 0.5


def test_each_row_is_on_the_disk_at_once(tmp_path: Path) -> None:
    log, run = JsonLog(), new_run(tmp_path)
    log.on_start(run)
    advance(log, run, 1)
    assert len(read_log(tmp_path / "log.jsonl")) == 2
    log.on_end(run)


def test_what_json_does_not_know_is_written_all_the_same(tmp_path: Path) -> None:
    log, run = JsonLog(), new_run(tmp_path)
    run.config.update(path=tmp_path, rate=np.float32(0.5))
    log.on_start(run)
    run.step = 1
    run.record({"loss": float("nan"), "score": np.float64(2.5)})
    log.on_log(run)
    run.failure = ValueError("bad")
    log.on_end(run)
    lines = (tmp_path / "log.jsonl").read_text().splitlines()

    def refuse(name: str) -> None:
        pytest.fail(f"{name} is no JSON")

    rows = [json.loads(line, parse_constant=refuse) for line in lines]
    assert rows[0]["config"]["rate"] == 0.5
    assert (rows[1]["loss"], rows[1]["score"]) == (None, 2.5)
    assert rows[2]["failure"] == "ValueError: bad"


def test_other_ranks_write_nothing(tmp_path: Path) -> None:
    log, run = JsonLog(), new_run(tmp_path, rank=1, size=2)
    log.on_start(run)
    advance(log, run, 2)
    log.on_end(run)
    assert list(tmp_path.iterdir()) == []


def test_a_place_is_needed() -> None:
    with pytest.raises(ValueError, match=r"Setup\(folder="):
        JsonLog().on_start(new_run(None))


def test_reading_names_the_bad_line(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"a": 1}\nhello\n{"a": 2}\n')
    with pytest.raises(ValueError, match=r"line 2 is not JSON: 'hello'"):
        read_log(path)
    path.write_text("hello")
    with pytest.raises(ValueError, match=r"line 1 is not JSON"):
        read_log(path)
    path.write_text("[1]\n")
    with pytest.raises(ValueError, match="no JSON object"):
        read_log(path)
