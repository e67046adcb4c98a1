"""`toolkit benchmark`: a table of backends, or JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result
from mxnet.gluon.nn import Dense

from toolkit import deploy
from toolkit.cli import main


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["benchmark", *map(str, words)])


def test_a_published_model_on_every_backend() -> None:
    result = run("cifar_resnet20_v1", "--batch", 2, "--rounds", 1)
    assert result.exit_code == 0, result.output
    header, *rows = (line.split() for line in result.stdout.splitlines() if line.strip("- "))
    assert header[0] == "backend"
    assert rows[0][0] == "mxnet"
    assert rows[0][-1] == "1.00"
    assert all(float(row[1]) > 0 for row in rows)


def test_an_export_as_json_with_the_machine(tmp_path: Path) -> None:
    net = Dense(3)
    net.initialize()
    deploy.export(net, tmp_path / "net", np.zeros((1, 4), np.float32))
    result = run(tmp_path / "net", "--rounds", 2, "--json")
    found = json.loads(result.stdout)
    assert found["machine"]["cores"] >= 1
    assert [row["name"] for row in found["timings"]] == ["mxnet"]
    assert "without onnxruntime" in result.stderr


def test_what_no_backend_runs_is_said(tmp_path: Path) -> None:
    result = run(tmp_path / "nothing")
    assert result.exit_code == 1
    assert "nothing" in result.stderr
