"""Fakes for what lies below the command line, and a way to run it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from toolkit import deploy, model_zoo
from toolkit.cli import main
from toolkit.model_zoo import Layer, ModelInfo, Summary, WeightsEntry

WEIGHTS = WeightsEntry(
    name="cifar_a",
    tag="1234abcd",
    digest="sha1:1234abcd",
    file="cifar_a-1234abcd.params",
    url="cifar_a-1234abcd.zip",
    size=1000,
    metrics={"top1": 92.5},
    bundled=True,
)
MODELS = {
    "cifar_a": ModelInfo(
        "cifar_a", "f", "image_classifier", "vision", "a", 10, "cifar10", "cifar", {}, (WEIGHTS,)
    ),
    "plain_b": ModelInfo("plain_b", "f", "image_classifier", "vision", "b", 1000),
}


@dataclass(frozen=True)
class Label:
    label: str
    index: int
    prob: float


class FakePredictor:
    """Says cat or dog of any picture, or finds a cat, its half, its paws, but not in bad.jpg."""

    made: tuple[str, Any] = ("", None)

    def __init__(self, model: str, *, pretrained: Any = True) -> None:
        FakePredictor.made = (model, pretrained)
        self.skipped = 0
        kinds = {"ssd": "objects", "fcn": "regions", "sim": "poses"}
        self.kind = kinds.get(model[:3], "classes")

    def stream(self, images: list[str], top: int | None, *, on_error: str) -> Iterator[list[Any]]:
        for image in images:
            if image != "bad.jpg" and self.kind == "regions":
                mask = np.zeros((40, 60), bool)
                mask[:, :30] = True
                halves = (("cat", 3, 0.5, mask), ("sky", 0, 0.5, ~mask))
                yield [deploy.Region(*half) for half in halves][:top]
            elif image != "bad.jpg" and self.kind == "poses":
                box, names = (10.0, 5.0, 40.0, 30.0), ("a paw", "b paw")
                paws = [deploy.Joint(n, i, 0.9 - i, 10 + i, 20) for i, n in enumerate(names)]
                yield [deploy.Pose("cat", 0.4, box, tuple(paws))]
            elif image != "bad.jpg" and self.kind == "objects":
                box = (10.0, 5.0, 40.0, 30.0)
                yield [deploy.Detection("cat", 3, s, box) for s in (0.75, 0.25)][:top]
            elif image != "bad.jpg":
                yield [Label("cat", 3, 0.75), Label("dog", 5, 0.25)][:top]
            elif on_error == "skip":
                self.skipped += 1
                yield []
            else:
                raise ValueError("bad.jpg is no picture: it is empty")


class FakePosePredictor(FakePredictor):
    """The same behind a detector; remembers the options it was made with."""

    def __init__(self, detector: str, model: str, *, pretrained: Any, least: float) -> None:
        super().__init__(model, pretrained=pretrained)
        FakePredictor.made = (model, (detector, pretrained, least))


def info(name: str) -> ModelInfo:
    if name not in MODELS:
        raise ValueError(f"unknown model {name!r}; did you mean cifar_a?")
    return MODELS[name]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Fakes for all that lies below; records what the zoo and the exporter were asked for."""
    seen: list[Any] = []

    def list_models(pattern: str, **options: Any) -> list[str]:
        seen.append((pattern, options))
        return [name for name in MODELS if pattern.strip("*") in name]

    def get_model(name: str, pretrained: Any = False) -> str:
        info(name)
        seen.append((name, pretrained))
        return f"net {name}"

    def export(net: str, path: Path, example: Any) -> Path:
        seen.append((net, None if example is None else example.shape))
        manifest = Path(f"{path}-manifest.json")
        manifest.write_text("{}")
        return manifest

    def summarize(name: str, shape: tuple[int, ...]) -> Summary:
        layer = Layer("conv", "Convolution", shape, 1234, 7 * shape[-1], 42)
        return Summary((shape,), (layer,), 1234)

    for module, name, fake in (
        (model_zoo, "list_models", list_models),
        (model_zoo, "summarize", summarize),
        (model_zoo, "model_info", info),
        (model_zoo, "get_model", get_model),
        (deploy, "export", export),
        (deploy, "Predictor", FakePredictor),
        (deploy, "PosePredictor", FakePosePredictor),
    ):
        monkeypatch.setitem(vars(module), name, fake)
    return seen


@pytest.fixture
def run() -> Callable[..., Result]:
    """Runs a command line in this process."""

    def invoke(*words: str, **options: Any) -> Result:
        return CliRunner().invoke(main, words, **options)

    return invoke


@pytest.fixture
def made() -> Callable[[], tuple[str, Any]]:
    """The arguments of the fake predictor that was made last."""
    return lambda: FakePredictor.made
