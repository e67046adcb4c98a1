"""`toolkit export`: what it writes, alone and before `toolkit predict`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mxnet as mx
import pytest
from click.testing import Result

from toolkit import model_zoo
from toolkit.demo import PICTURE

Run = Callable[..., Result]


def test_export_lists_the_files(run: Run, asked: list[Any], tmp_path: Path) -> None:
    result = run("export", "cifar_a", str(tmp_path / "net"), "--size", "64x48")
    assert result.exit_code == 0
    assert asked == [("cifar_a", True), ("net cifar_a", (1, 3, 64, 48))]
    assert result.stdout == f"{tmp_path / 'net-manifest.json'}  2 bytes\n"


def test_export_leaves_the_size_to_the_model(run: Run, asked: list[Any], tmp_path: Path) -> None:
    run("export", "cifar_a", str(tmp_path / "net"), "--weights", "1234")
    assert asked == [("cifar_a", "1234"), ("net cifar_a", None)]


def test_the_real_thing_from_export_to_prediction(run: Run, tmp_path: Path) -> None:
    """Nothing faked: random weights go into a file, through export, and come back as labels."""
    net = model_zoo.get_model("cifar_resnet20_v1")
    net.initialize()
    net(mx.nd.zeros((1, 3, 32, 32)))
    net.save_parameters(str(tmp_path / "w.params"))
    weights = ("--weights", str(tmp_path / "w.params"))

    exported = run("export", "cifar_resnet20_v1", str(tmp_path / "out" / "net"), *weights)
    assert exported.exit_code == 0, exported.stderr
    assert "net-manifest.json" in exported.stdout
    answers = [
        json.loads(run("predict", *words, str(PICTURE), "--json").stdout)[0]["predictions"]
        for words in (("cifar_resnet20_v1", *weights), (str(tmp_path / "out" / "net"),))
    ]
    assert len(answers[0]) == 5
    assert {p["label"] for p in answers[0]} <= set(model_zoo.read_labels("cifar10"))
    assert [p["index"] for p in answers[0]] == [p["index"] for p in answers[1]]


def test_onnx_on_demand(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    result = run("export", "cifar_resnet20_v1", str(tmp_path / "net"), "--onnx")
    assert result.exit_code == 0, result.stderr
    assert str(tmp_path / "net.onnx") in result.stdout


def test_float16_beside_it(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    result = run("export", "cifar_resnet20_v1", str(tmp_path / "net"), "--fp16")
    assert result.exit_code == 0, result.stderr
    assert str(tmp_path / "net-fp16.onnx") in result.stdout
    assert not (tmp_path / "net.onnx").exists()
