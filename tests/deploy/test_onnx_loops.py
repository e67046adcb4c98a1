"""Loops: any number of steps and texts, states, and what a body reads from outside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.deploy import UnsupportedOperatorError, export, export_onnx, load
from toolkit.nn import ProjectedLSTM

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
Step = Callable[[Any, Any], tuple[Any, Any]]


class Reading(HybridBlock):
    """Texts ``(N, T)``: two layers that read words; what they gave, and how they ended."""

    def __init__(self) -> None:
        super().__init__()
        self.words = mx.gluon.nn.Embedding(20, 4)
        self.layers = [ProjectedLSTM(4, 6, 4, bound=0.1), ProjectedLSTM(4, 6, 4)]
        for layer in self.layers:
            self.register_child(layer)

    def hybrid_forward(self, F, tokens):
        x = F.transpose(self.words(tokens), axes=(1, 0, 2))
        for layer in self.layers:
            x, last, cell = layer(x, *layer.begin(F, x))
        return F.transpose(x, axes=(1, 0, 2)), last, cell


class Asking(HybridBlock):
    """Steps that all look at one thing that is computed outside."""

    def hybrid_forward(self, F, x):
        rows = F.transpose(x, axes=(1, 0, 2))
        memory = F.max(x, axis=1)

        def step(row, state):
            state = F.tanh(row + state) * memory
            return state, state

        return F.contrib.foreach(step, rows, F.zeros_like(memory))[0]


class Stepping(HybridBlock):
    """One step for each picture's row."""

    def __init__(self, step: Callable[[Any, Any, Any], tuple[Any, Any]]) -> None:
        super().__init__()
        self._step = step

    def hybrid_forward(self, F, x):
        rows = F.transpose(F.reshape(x, (0, -1, 4)), axes=(1, 0, 2))
        first = F.squeeze(F.slice_axis(rows, axis=0, begin=0, end=1), axis=0) * 0
        given, state = F.contrib.foreach(lambda row, s: self._step(F, row, s), rows, first)
        return (*given, state) if isinstance(given, list) else (given, state)


STEPS = {
    "sum": lambda F, row, state: (row + state, row + state),
    "two results": lambda F, row, state: ([F.tanh(row), row - state], 0.5 * state + row),
    "the state before": lambda F, row, state: (
        state,
        F.slice_axis(F.concat(row, state, dim=1), axis=1, begin=2, end=6),
    ),
}


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> tuple[HybridBlock, Path]:
    net, path = Reading(), tmp_path_factory.mktemp("loops") / "net"
    mx.random.seed(0)
    net.initialize(mx.init.Uniform(0.7))
    export(net, path, np.ones((1, 5), np.float32))
    export_onnx(path, path)
    return net, path


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_texts_of_any_number_and_length(reading: tuple[HybridBlock, Path], backend: str) -> None:
    pytest.importorskip(backend)
    net, path = reading
    runner = load(path, backend=backend)
    for shape in ((1, 5), (3, 8), (2, 1)):
        data = np.random.default_rng(0).integers(0, 20, shape).astype(np.float32)
        found = runner(data)
        assert [output.shape for output in found] == [(*shape, 4), (shape[0], 4), (shape[0], 6)]
        for ours, wanted in zip(found, net(mx.nd.array(data)), strict=True):
            np.testing.assert_allclose(ours, wanted.asnumpy(), atol=1e-6)


def test_each_layer_is_one_scan_that_reads_its_weights_from_outside(
    reading: tuple[HybridBlock, Path],
) -> None:
    graph = onnx.load(str(reading[1].with_suffix(".onnx"))).graph
    scans = [node for node in graph.node if node.op_type == "Scan"]
    assert len(scans) == 2
    weights = {tensor.name for tensor in graph.initializer}
    for scan in scans:
        (body,) = (a.g for a in scan.attribute if a.name == "body")
        assert len(body.input) == 3
        assert len(weights & {name for node in body.node for name in node.input}) >= 2


@pytest.mark.parametrize("name", STEPS)
def test_results_and_states(name: str, tmp_path: Path) -> None:
    net = Stepping(STEPS[name])
    net.initialize()
    data = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    export(net, tmp_path / "net", data)
    found = load(export_onnx(tmp_path / "net", tmp_path / "net"), backend="onnxruntime")(data)
    wanted = net(mx.nd.array(data))
    assert len(found) == len(wanted)
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs.asnumpy(), atol=1e-6)


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_what_is_computed_outside_is_handed_from_step_to_step(backend: str, tmp_path: Path) -> None:
    pytest.importorskip(backend)
    net = Asking()
    net.initialize()
    data = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    export(net, tmp_path / "net", data)
    (found,) = load(export_onnx(tmp_path / "net", tmp_path / "net"), backend=backend)(data)
    np.testing.assert_allclose(found, net(mx.nd.array(data)).asnumpy(), atol=1e-6)


def test_an_operator_that_onnx_lacks_is_named_in_a_loop_too(tmp_path: Path) -> None:
    net = Stepping(lambda F, row, state: (F.hard_sigmoid(F.erfinv(row)), state))
    net.initialize()
    export(net, tmp_path / "net", np.zeros((1, 3, 4), np.float32))
    with pytest.raises(UnsupportedOperatorError, match="erfinv"):
        export_onnx(tmp_path / "net", tmp_path / "net")


def test_loops_are_not_written_in_float16(
    reading: tuple[HybridBlock, Path], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="has loops"):
        export_onnx(reading[1], tmp_path / "half", precision="fp16")
