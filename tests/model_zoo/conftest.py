"""What the ``transformers`` package answered, and the rule of the weights that it had."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from toolkit.utils.checkpoints import write_safetensors

FOLDER = Path(__file__).resolve().parents[1] / "golden"


class Golden:
    """The cases of ``golden/transformers.npz``."""

    def __init__(self, rule: ModuleType, arrays: dict[str, np.ndarray]) -> None:
        self.rule = rule
        self._arrays = arrays

    def names(self) -> list[str]:
        return sorted({key.split("/")[0] for key in self._arrays})

    def about(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(str(self._arrays[f"{name}/about"]))
        return found

    def outputs(self, name: str) -> dict[str, np.ndarray]:
        start = f"{name}/"
        found = {k.removeprefix(start): v for k, v in self._arrays.items() if k.startswith(start)}
        found.pop("about")
        return found

    def weights(self, name: str) -> dict[str, np.ndarray]:
        shapes = self.about(name)["shapes"]
        return {key: self.rule.weights_of(key, tuple(shape)) for key, shape in shapes.items()}

    def write(self, name: str, folder: Path) -> Path:
        """A folder as the package would have saved it."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(self.about(name)["config"]))
        write_safetensors(folder / "model.safetensors", self.weights(name))
        return folder


@pytest.fixture(scope="session")
def golden() -> Iterator[Golden]:
    """All cases."""
    spec = importlib.util.spec_from_file_location("rule", FOLDER / "make_transformers.py")
    assert spec is not None
    assert spec.loader is not None
    rule = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rule)
    with np.load(FOLDER / "transformers.npz") as file:
        yield Golden(rule, dict(file))
