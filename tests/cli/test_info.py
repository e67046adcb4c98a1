"""`toolkit info`: a model, its costs, the installation."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

import toolkit
from toolkit.utils import gpu

Run = Callable[..., Result]


def test_info_of_a_model(run: Run, asked: list[Any]) -> None:
    result = run("info", "cifar_a")
    assert result.exit_code == 0
    assert "cifar10" in result.stdout
    assert "cifar_a-1234abcd.params" in result.stdout
    assert json.loads(run("info", "cifar_a", "--json").stdout)["weights"][0]["tag"] == "1234abcd"


@pytest.mark.parametrize(("words", "side"), [((), 32), (("--size", "8x64"), 64)])
def test_info_tells_what_a_picture_costs(
    run: Run, asked: list[Any], words: tuple[str, ...], side: int
) -> None:
    found = json.loads(run("info", "cifar_a", "--json", *words).stdout)
    assert found["input"][-1] == side
    assert found["parameters"] == 1234
    assert found["multiply_adds"] == 7 * side
    assert found["activation_bytes"] == 42
    assert "parameters" not in json.loads(run("info", "plain_b", "--json").stdout)


def test_info_of_the_installation(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path))
    monkeypatch.setenv("TOOLKIT_REPO", "file:///mirror")
    found = json.loads(run("info", "--json").stdout)
    assert found["toolkit"] == toolkit.__version__
    assert found["cache"] == str(tmp_path / "models")
    assert any(mirror.startswith("file:///mirror") for mirror in found["mirrors"])
    assert {row["step"] for row in found["runtime"]} >= {"threads", "numpy"}
    text = run("info").stdout
    assert "file:///mirror" in text
    assert "threads" in text


@pytest.mark.parametrize(
    ("capability", "verdict"),
    [((8, 9), "MXNet's CUDA builds run on it"), ((9, 0), "MXNet has no code for it")],
)
def test_info_says_whether_a_gpu_is_of_use(
    run: Run, monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], verdict: str
) -> None:
    card = gpu.Gpu(0, "A card", capability)
    monkeypatch.setattr(gpu, "list_gpus", lambda: (card,))
    (said,) = json.loads(run("info", "--json").stdout)["gpus"]
    assert said.startswith("A card (compute capability " + "{}.{}".format(*capability))
    assert verdict in said
