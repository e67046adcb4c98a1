"""Weights beside the model: the same answers, hashes checked, both files needed."""

from __future__ import annotations

from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.deploy import export_onnx, load, onnx_large
from toolkit.deploy.agreement import difference
from toolkit.model_zoo import get_model
from toolkit.utils.files import HashMismatchError

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def net() -> HybridBlock:
    return get_model("cifar_resnet20_v1", pretrained=True)


@pytest.fixture
def path(net: HybridBlock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An export whose model's file may hold no more than 100 kB of its megabyte."""
    monkeypatch.setattr(onnx_large, "MOST", 100_000)
    export_onnx(net, tmp_path / "net")
    return tmp_path / "net"


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_it_answers_as_the_network_does(net: HybridBlock, path: Path, backend: str) -> None:
    pytest.importorskip(backend)
    data = np.random.default_rng(0).normal(size=(2, 3, 32, 32)).astype(np.float32)
    found = load(path, backend=backend)(data)
    assert difference(found, [net(mx.nd.array(data)).asnumpy()]) < 1e-4


def test_the_weights_lie_beside_it(path: Path) -> None:
    sizes = {file.name: file.stat().st_size for file in path.parent.iterdir()}
    assert set(sizes) == {"net.onnx", "net.onnx.data", "net-manifest.json"}
    assert sizes["net.onnx"] < 100_000 < sizes["net.onnx.data"]
    model = onnx.load(str(path.with_suffix(".onnx")), load_external_data=False)
    places = [
        int(entry.value)
        for tensor in model.graph.initializer
        for entry in tensor.external_data
        if entry.key == "offset"
    ]
    assert len(places) > 10
    assert all(place % onnx_large.ALIGNED == 0 for place in places)


def test_changed_weights_are_refused(path: Path) -> None:
    data = path.with_name("net.onnx.data")
    data.write_bytes(data.read_bytes()[:-1] + b"!")
    with pytest.raises(HashMismatchError, match=r"net\.onnx\.data is not the file"):
        load(path, backend="onnxruntime")
    data.unlink()
    with pytest.raises(FileNotFoundError, match=r"net\.onnx\.data is missing"):
        load(path, backend="onnxruntime")


def test_it_is_not_written_in_float16(net: HybridBlock, path: Path) -> None:
    with pytest.raises(ValueError, match="more than two gigabytes of weights"):
        export_onnx(net, path.with_name("half"), precision="fp16")
    assert not list(path.parent.glob("half*"))
