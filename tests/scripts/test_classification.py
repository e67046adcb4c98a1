"""The classification recipes run, log and save."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import cv2
import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo.builder import get_model

FOLDER = Path(__file__).resolve().parents[2] / "scripts" / "classification"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> Path:
    """Forty images whose class is their brightness."""
    path = tmp_path_factory.mktemp("records") / "tiny.rec"
    rng = np.random.default_rng(0)
    writer = mx.recordio.MXIndexedRecordIO(str(path.with_suffix(".idx")), str(path), "w")
    for i in range(40):
        label = i % 10
        image = (rng.random((32, 32, 3)) * 20 + 23 * label).astype(np.uint8)
        header = mx.recordio.IRHeader(0, float(label), i, 0)
        writer.write_idx(i, mx.recordio.pack(header, cv2.imencode(".png", image)[1].tobytes()))
    writer.close()
    return path


def train(records: Path, out: Path, *more: str) -> list[dict]:
    recipe = script("train_cifar10")
    arguments = ["--train", str(records), "--test", str(records), "--out", str(out)]
    recipe.train(recipe.parse([*arguments, "--batch-size", "20", "--warmup", "1", *more]))
    return [json.loads(line) for line in out.with_suffix(".jsonl").read_text().splitlines()]


def test_training_writes_loadable_weights_and_a_log(records, tmp_path):
    out = tmp_path / "net.params"
    log = train(records, out, "--epochs", "2", "--score-every", "1")
    assert log[0]["event"] == "start"
    assert log[0]["seed"] == 1
    assert {"mxnet", "numpy", "python", "toolkit"} <= log[0].keys()
    assert [row["epoch"] for row in log[1:]] == [1, 2]
    assert all(np.isfinite(row["loss"]) and 0 <= row["test"] <= 100 for row in log[1:])
    assert get_model("cifar_resnet20_v1", out)(mx.nd.zeros((1, 3, 32, 32))).shape == (1, 10)


def test_one_seed_gives_one_result(records, tmp_path):
    first = train(records, tmp_path / "a.params", "--epochs", "1", "--seed", "7")
    again = train(records, tmp_path / "b.params", "--epochs", "1", "--seed", "7")
    assert first[-1]["loss"] == again[-1]["loss"]
    assert (tmp_path / "a.params").read_bytes() == (tmp_path / "b.params").read_bytes()


def test_the_schedule_warms_up_then_falls_to_nothing():
    rates = [script("train_cifar10").learning_rate(step, 100, 10, 0.2) for step in range(101)]
    assert rates[0] == pytest.approx(0.02)
    assert rates[9] == pytest.approx(0.2)
    assert rates[55] == pytest.approx(0.1)
    assert rates[100] == pytest.approx(0, abs=1e-12)
    assert rates[9:] == sorted(rates[9:], reverse=True)
