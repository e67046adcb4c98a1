from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import BatchNorm, Conv2D, Dense
from PIL import Image

from toolkit.deploy import export, export_onnx, load
from toolkit.deploy.exporter import write
from toolkit.deploy.graph import Graph
from toolkit.deploy.manifest import Manifest, TensorSpec
from toolkit.model_zoo import get_model


class TwoInputs(HybridBlock):
    """Two inputs that share the batch axis, two outputs, parameters of unknown shape."""

    def __init__(self) -> None:
        super().__init__()
        self.left = Dense(4)
        self.right = Dense(4)
        self.offset = self.params.get_constant("offset", mx.nd.array([1.0, 2.0, 3.0, 4.0]))

    def hybrid_forward(self, F, x, y, offset):
        both = F.broadcast_add(self.left(x) + self.right(y), offset)
        return [both, F.softmax(both)]


class Features(HybridBlock):
    """A convolution whose result is an output by itself as well as on the way to another."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = Conv2D(8, 3, padding=1)
        self.norm = BatchNorm()

    def hybrid_forward(self, F, x):
        y = self.norm(self.conv(x))
        z = F.Activation(y, act_type="relu")
        return y, z, F.mean(z, axis=(2, 3))


def randomize(net: HybridBlock) -> None:
    """Gives every parameter of known shape a value that is no default and keeps scores small."""
    rng = np.random.default_rng(0)
    for param in net.collect_params().values():
        if len(param.shape) > 1:
            value = rng.normal(0, (1 / np.prod(param.shape[1:])) ** 0.5, param.shape)
        else:
            value = rng.uniform(0.5, 1, param.shape)
        param.set_data(mx.nd.array(value))


@pytest.fixture
def two_inputs() -> HybridBlock:
    net = TwoInputs()
    net.initialize(mx.init.Xavier())
    return net


@pytest.fixture
def features() -> HybridBlock:
    net = Features()
    net.initialize(mx.init.Xavier())
    return net


@pytest.fixture(scope="module")
def classifier() -> HybridBlock:
    net = get_model("cifar_resnet20_v1")
    net.initialize()
    randomize(net)
    return net


@pytest.fixture(scope="module")
def exported(classifier: HybridBlock, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prefix of an exported classifier."""
    prefix = tmp_path_factory.mktemp("exported") / "net"
    export(classifier, prefix)
    return prefix


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Seven picture files of different sizes and kinds."""
    rng = np.random.default_rng(0)
    paths = []
    for i in range(7):
        coarse = rng.integers(0, 256, (3, 4, 3), np.uint8)
        image = Image.fromarray(coarse).resize((20 + 17 * i, 70 - 8 * i))
        paths.append(tmp_path / f"{i}.{'png' if i % 2 else 'jpg'}")
        (image.convert("L") if i == 3 else image).save(paths[-1])
    return paths


@pytest.fixture
def onnx_file(tmp_path: Path) -> Path:
    """An ONNX classifier of (N, 3, 4, 4) images into three classes, by the mean of a channel."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    inputs = onnx.helper.make_tensor_value_info("data", 1, ["N", 3, 4, 4])
    outputs = onnx.helper.make_tensor_value_info("scores", 1, ["N", 3])
    nodes = [
        onnx.helper.make_node("ReduceMean", ["data"], ["scores"], axes=[2, 3], keepdims=0),
    ]
    graph = onnx.helper.make_graph(nodes, "mean", [inputs], [outputs])
    opsets = [onnx.helper.make_opsetid("", 13)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)
    path = tmp_path / "mean.onnx"
    onnx.save(model, str(path))
    return path


@pytest.fixture
def assert_translated(tmp_path: Path) -> Callable[[mx.sym.Symbol], None]:
    """Compares operators on a (N, 4, 6, 8) input with what they become in ONNX Runtime."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")

    def check(symbol: mx.sym.Symbol) -> None:
        rng = np.random.default_rng(0)
        arguments, _, states = symbol.infer_shape(data=(1, 4, 6, 8))
        names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
        shapes = zip(names, [*arguments, *states], strict=True)
        arrays = {n: mx.nd.array(rng.uniform(0.5, 1.5, s)) for n, s in shapes if n != "data"}
        outputs = tuple(TensorSpec(name, None) for name in symbol.list_outputs())
        manifest = Manifest("net", (TensorSpec("data", (None, 4, 6, 8)),), outputs)
        write(tmp_path / "net", Graph(symbol, ("data",), arrays), manifest)
        export_onnx(tmp_path / "net", tmp_path / "net")
        for batch in (1, 3):
            data = rng.uniform(-2, 2, (batch, 4, 6, 8)).astype(np.float32)
            wanted = load(tmp_path / "net", backend="mxnet")(data)
            found = load(tmp_path / "net", backend="onnxruntime")(data)
            assert len(found) == len(wanted)
            for left, right in zip(found, wanted, strict=True):
                np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-5)

    return check


@pytest.fixture
def run_python() -> Callable[..., dict]:
    """Runs code in a fresh process; gives the JSON that it writes to its output."""

    def run(code: str, *arguments: object) -> dict:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
