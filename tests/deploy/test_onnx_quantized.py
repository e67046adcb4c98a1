from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Conv2D, Dense, MaxPool2D

from toolkit.data.vision import PRESETS, ImageRecordDataset, read_image
from toolkit.deploy import accuracy, export, export_onnx, load, quantize
from toolkit.deploy.agreement import difference
from toolkit.deploy.onnx_quantized import scale_of
from toolkit.model_zoo import get_model
from toolkit.model_zoo.text.bert import BERT, BERTConfig

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
BACKENDS = ["mxnet", "onnxruntime", "openvino"]


@pytest.fixture(scope="module")
def net() -> HybridBlock:
    return get_model("cifar_resnet20_v1", pretrained=True)


@pytest.fixture(scope="module")
def data() -> np.ndarray:
    """Patches of one colour, of which a network is surer than of noise."""
    patches = np.random.default_rng(0).normal(size=(8, 3, 4, 4)).astype(np.float32)
    return patches.repeat(8, axis=2).repeat(8, axis=3)


@pytest.fixture(scope="module")
def path(net: HybridBlock, data: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("quantized") / "int8"
    quantize(net, path, [data])
    export_onnx(path, path)
    return path


def layers(path: Path) -> list[tuple[Any, list[Any]]]:
    """Each convolution and product of a file, and what makes its inputs."""
    nodes = onnx.load(str(path.with_suffix(".onnx"))).graph.node
    made = {name: node for node in nodes for name in node.output}
    return [
        (node, [made[name] for name in node.input if name in made])
        for node in nodes
        if node.op_type in ("Conv", "MatMul", "Gemm")
    ]


@pytest.mark.parametrize(
    ("low", "high", "wanted"), [(0, 2.55, (0.01, 0)), (-1.27, 0.3, (0.01, 128))]
)
def test_ranges_are_rounded_as_mxnet_does(low: float, high: float, wanted: Any) -> None:
    assert scale_of(low, high) == pytest.approx(wanted)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("precision", [None, "int8"])
def test_every_backend_runs_it(
    net: HybridBlock, path: Path, data: np.ndarray, backend: str, precision: str | None
) -> None:
    pytest.importorskip(backend)
    runner = load(path, backend=backend, precision=precision)
    assert runner.manifest.precision == "int8"
    wanted = net(mx.nd.array(data)).asnumpy()
    assert 0 < difference(runner(data), [wanted]) < 0.2
    assert runner(data[:3])[0].shape == (3, 10)


@pytest.mark.parametrize(("backend", "other"), [("onnxruntime", "bf16"), ("openvino", "fp32")])
def test_another_precision_is_refused(path: Path, backend: str, other: str) -> None:
    pytest.importorskip(backend)
    with pytest.raises(ValueError, match=rf"this file in int8 .* not in {other}"):
        load(path, backend=backend, precision=other)


IN_BFLOAT16 = """
import sys
import numpy as np
from toolkit.deploy import load
path, given, found = sys.argv[1:]
np.save(found, load(path, backend="openvino", precision="bf16")(np.load(given))[0])
"""


def test_the_rest_in_bfloat16(path: Path, data: np.ndarray, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    # In a process of its own: on some CPUs the next signal ends one in which OpenVINO did this.
    given, found = tmp_path / "given.npy", tmp_path / "found.npy"
    np.save(given, data)
    words = [sys.executable, "-W", "ignore", "-c", IN_BFLOAT16, *map(str, (path, given, found))]
    subprocess.run(words, check=True, timeout=120)
    assert difference([np.load(found)], load(path, backend="openvino")(data)) < 0.1


def test_layers_read_whole_numbers_and_so_do_sums(path: Path) -> None:
    found = layers(path)
    whole = [row for row in found if [n.op_type for n in row[1]] == ["DequantizeLinear"] * 3]
    assert (len(found), len(whole)) == (22, 20)
    nodes = onnx.load(str(path.with_suffix(".onnx"))).graph.node
    made = {name: node.op_type for node in nodes for name in node.output}
    sums = [node for node in nodes if node.op_type == "Add"]
    assert len(sums) == 9
    assert {made[name] for node in sums for name in node.input} == {"DequantizeLinear"}
    assert "Relu" not in made.values()  # rounding from zero on is one itself


def test_weights_are_stored_as_int8(path: Path) -> None:
    model = onnx.load(str(path.with_suffix(".onnx")))
    onnx.checker.check_model(model, full_check=True)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 13)]
    arrays = {row.name: onnx.numpy_helper.to_array(row) for row in model.graph.initializer}
    weights = [array for name, array in arrays.items() if name.endswith(".weight.whole")]
    assert len(weights) == 20
    assert {array.dtype for array in weights} == {np.dtype(np.int8)}
    assert all(np.abs(array).reshape(len(array), -1).max(axis=1).min() == 127 for array in weights)


class Parts(HybridBlock):
    """Branches of different ranges that are joined, pooled, and read by a dense layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = Conv2D(4, 3, activation="relu", in_channels=3)
        self.left = Conv2D(4, 1, activation="relu", in_channels=4)
        self.right = Conv2D(4, 1, in_channels=4)
        self.pool = MaxPool2D()
        self.dense = Dense(6, activation="relu", in_units=8 * 49)
        self.last = Dense(5, in_units=6)

    def hybrid_forward(self, F, x):
        x = self.first(x)
        x = self.pool(F.concat(self.left(x), 3 * self.right(x), dim=1))
        return self.last(self.dense(x))


@pytest.mark.parametrize("exclude", [None, ()])
def test_what_joins_pools_and_flattens(exclude: Any, tmp_path: Path) -> None:
    net = Parts()
    net.initialize(mx.init.Xavier())
    data = np.random.default_rng(0).normal(size=(4, 3, 16, 16)).astype(np.float32)
    export(net, tmp_path / "net", data)
    quantize(tmp_path / "net", tmp_path / "int8", [data], exclude=exclude)
    export_onnx(tmp_path / "int8", tmp_path / "int8")
    wanted = load(tmp_path / "net")(data)
    for backend in BACKENDS:
        pytest.importorskip(backend)
        assert difference(load(tmp_path / "int8", backend=backend)(data), wanted) < 0.1, backend


def test_texts_of_any_length(tmp_path: Path) -> None:
    net = BERT(BERTConfig(layers=2, units=16, hidden_units=32, heads=2, vocab_size=50))
    net.initialize(mx.init.Normal(0.3))
    rng = np.random.default_rng(0)

    def texts(rows: int, length: int) -> tuple[np.ndarray, ...]:
        ids = rng.integers(0, 50, (rows, length)).astype(np.float32)
        return ids, np.zeros_like(ids), np.full(rows, length - 2, np.float32)

    export(net, tmp_path / "net", texts(2, 9))
    quantize(tmp_path / "net", tmp_path / "int8", [texts(2, 9), texts(1, 20)])
    export_onnx(tmp_path / "int8", tmp_path / "int8")
    for shape in ((1, 5), (3, 12)):
        given = texts(*shape)
        wanted = load(tmp_path / "net")(*given)
        for backend in BACKENDS:
            pytest.importorskip(backend)
            found = load(tmp_path / "int8", backend=backend)(*given)
            assert difference(found, wanted) < 0.3, backend


@pytest.mark.realdata
def test_accuracy_on_cifar10(net: HybridBlock, data_root: Path, tmp_path: Path) -> None:
    preset = PRESETS["cifar"]

    def read(name: str, count: int) -> tuple[np.ndarray, np.ndarray]:
        rows = ImageRecordDataset(data_root / "cifar10_jpg" / name)
        pairs = [rows[i] for i in range(count)]
        return np.stack([preset(image) for image, _ in pairs]), np.array([y for _, y in pairs])

    quantize(net, tmp_path / "int8", [read("train.rec", 200)[0]])
    export_onnx(tmp_path / "int8", tmp_path / "int8")
    score = accuracy([read("dev_test2k.rec", 1000)])
    wanted = score(load(tmp_path / "int8", backend="mxnet"))
    for backend in BACKENDS[1:]:
        pytest.importorskip(backend)
        assert score(load(tmp_path / "int8", backend=backend)) == pytest.approx(wanted, abs=0.01)


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("exclude", [None, ()])
def test_accuracy_on_imagenet(exclude: Any, data_root: Path, tmp_path: Path) -> None:
    weights = data_root / "weights_converted" / "squeezenet1.0_deepcompression.params"
    net = get_model("squeezenet1.0", weights)
    files = sorted((data_root / "imagenet_samples").glob("*.JPEG"))
    images = np.stack([PRESETS["imagenet"](read_image(path)) for path in files])
    batches = [images[i::20] for i in range(0, 20, 2)]
    report = quantize(net, tmp_path / "int8", batches, exclude=exclude)
    assert report.int8 == (24 if exclude is None else 26)
    export_onnx(tmp_path / "int8", tmp_path / "int8")
    score = accuracy([(images[i : i + 25], 5 * np.arange(i, i + 25)) for i in range(0, 200, 25)])
    wanted = score(load(tmp_path / "int8", backend="mxnet"))
    assert wanted == pytest.approx(0.65, abs=0.02)  # four pictures; 0.65 is that of float
    for backend in BACKENDS[1:]:
        pytest.importorskip(backend)
        assert score(load(tmp_path / "int8", backend=backend)) == pytest.approx(wanted, abs=0.02)
