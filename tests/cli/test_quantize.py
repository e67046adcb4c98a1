"""`toolkit quantize`: from a folder of pictures to an int8 export."""

from __future__ import annotations

from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from toolkit import deploy
from toolkit.cli import main
from toolkit.model_zoo import get_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A float export, and a folder of pictures of two classes."""
    root = tmp_path_factory.mktemp("quantize")
    net = get_model("cifar_resnet20_v1")
    net.initialize(mx.init.Xavier())
    deploy.export(net, root / "net")
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (root / "pictures" / name).mkdir(parents=True)
        for i in range(3):
            image = Image.fromarray(rng.integers(0, 256, (40, 50, 3), np.uint8))
            image.save(root / "pictures" / name / f"{i}.png")
    return root


def run(folder: Path, *words: object) -> Result:
    given = ["quantize", folder / "net", folder / "int8", "--data", folder / "pictures", *words]
    return CliRunner().invoke(main, list(map(str, given)))


def test_an_int8_export_and_its_accuracy(folder: Path) -> None:
    result = run(folder, "--samples", 4, "--calibration", "naive", "--max-drop", 1)
    assert result.exit_code == 0, result.output
    rows = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert rows["int8"] == "20"
    assert rows["batches"] == "1"
    assert 0 <= float(rows["before"]) <= 1
    assert deploy.load(folder / "int8").manifest.precision == "int8"


def test_onnx_in_int8_on_demand(folder: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    result = run(folder, "--samples", 4, "--onnx")
    assert result.exit_code == 0, result.output
    runner = deploy.load(folder / "int8", backend="onnxruntime", precision="int8")
    assert runner.manifest.precision == "int8"


def test_what_is_worse_than_allowed_is_not_written(folder: Path) -> None:
    (folder / "int8-manifest.json").unlink(missing_ok=True)
    result = run(folder, "--samples", 4, "--calibration", "naive", "--max-drop", -2)
    assert result.exit_code == 1
    assert "allowed are -2" in result.stderr
    assert not (folder / "int8-manifest.json").exists()


def test_an_unknown_calibration_is_named(folder: Path) -> None:
    result = run(folder, "--calibration", "entropi")
    assert result.exit_code == 1
    assert "entropy" in result.stderr
