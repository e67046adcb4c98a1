"""The demo runs from end to end, and its comparison can fail."""

from __future__ import annotations

import time
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit import demo, model_zoo


@pytest.fixture
def random_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of the demo's kind, with random weights in place of the bundled ones."""
    get_model = model_zoo.get_model
    monkeypatch.setattr(demo, "REPEATS", 3)

    def build(name: str, pretrained: bool) -> Any:
        assert pretrained
        net = get_model(name)
        net.initialize()
        return net

    monkeypatch.setitem(vars(model_zoo), "get_model", build)


@pytest.mark.usefixtures("random_weights")
def test_the_demo_names_exports_and_compares() -> None:
    said: list[str] = []
    demo.run(said.append)
    text = "\n".join(said)
    assert any(label in text for label in model_zoo.read_labels("cifar10"))
    assert "cifar_resnet20_v1-manifest.json" in text
    assert "scores differ by" in text
    assert text.count(" ms") == 2


class Scores:
    """A network or a graph of which only the answer is known."""

    def __init__(self, *scores: float) -> None:
        self.scores = np.array([scores], np.float32)

    def __call__(self, batch: Any) -> Any:
        return mx.nd.array(self.scores) if isinstance(batch, mx.nd.NDArray) else [self.scores]


@pytest.mark.parametrize("scores", [(1.0, 10.1), (1.01, 10.0), (float("nan"), 10.0)])
def test_a_graph_with_other_scores_is_an_error(scores: tuple[float, float]) -> None:
    picture = np.zeros((1, 3, 2, 2), np.float32)
    with pytest.raises(RuntimeError, match="differ by"):
        demo.compare(Scores(1.0, 10.0), Scores(*scores), picture, lambda line: None)


def test_the_same_scores_are_compared_and_timed() -> None:
    said: list[str] = []
    picture = np.zeros((1, 3, 2, 2), np.float32)
    demo.compare(Scores(1.0, 10.0), Scores(1.0, 10.0), picture, said.append)
    assert said[0].endswith("0.0e+00 of the largest at most")


def test_programs_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(10_000))
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    ran: list[str] = []
    times = demo.latencies({"a": lambda: ran.append("a"), "b": lambda: ran.append("b")})
    assert ran[:4] == ["a", "b", "a", "b"]
    assert times == {"a": 1.0, "b": 1.0}


def test_the_picture_is_packaged() -> None:
    assert demo.PICTURE.read_bytes().startswith(b"\xff\xd8")
    assert demo.PICTURE.stat().st_size < 60_000
