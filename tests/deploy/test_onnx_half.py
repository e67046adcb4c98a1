"""float16 files: half as large, the same classes, refused where they would be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.demo import PICTURE
from toolkit.deploy import Predictor, export, export_onnx, load, quantize
from toolkit.deploy.agreement import difference
from toolkit.model_zoo import get_model
from toolkit.model_zoo.text.bert import BERT, BERTConfig

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
SMALL = BERTConfig(vocab_size=9001, units=32, hidden_units=64, layers=2, heads=2, max_length=64)


@pytest.fixture(scope="module")
def net() -> HybridBlock:
    return get_model("cifar_resnet20_v1", pretrained=True)


@pytest.fixture(scope="module")
def path(net: HybridBlock, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The MXNet export, its ONNX file, and its float16 file at ``half``."""
    path = tmp_path_factory.mktemp("half") / "net"
    export(net, path)
    export_onnx(path, path)
    export_onnx(path, path.with_name("half"), precision="fp16")
    return path


def types(path: Path) -> set[int]:
    return {tensor.data_type for tensor in onnx.load(str(path)).graph.initializer}


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_it_answers_as_the_float_network_does(path: Path, backend: str) -> None:
    pytest.importorskip(backend)
    half = path.with_name("half")
    runner = load(half, backend=backend)
    assert runner.manifest.precision == "fp16"
    data = np.random.default_rng(0).normal(size=(4, 3, 32, 32)).astype(np.float32)
    found, wanted = runner(data), load(path, backend=backend)(data)
    assert found[0].dtype == np.float32
    assert 0 < difference(found, wanted) < 1e-2
    assert [best.label for best in Predictor(half)(str(PICTURE))][:1] == ["cat"]


def test_the_file_is_half_as_large(path: Path) -> None:
    whole, half = (path.with_name(name).stat().st_size for name in ("net.onnx", "half.onnx"))
    assert half < 0.6 * whole
    assert onnx.TensorProto.FLOAT16 in types(path.with_name("half.onnx"))
    assert onnx.TensorProto.FLOAT16 not in types(path.with_name("net.onnx"))


def test_the_precision_may_be_named_when_it_is_loaded(path: Path) -> None:
    load(path.with_name("half"), backend="onnxruntime", precision="fp16")
    with pytest.raises(ValueError, match="in fp32 only, not in fp16"):
        load(path, backend="onnxruntime", precision="fp16")
    with pytest.raises(ValueError, match=r"not fp16: export_onnx\(\.\.\., precision='fp16'\)"):
        load(path, backend="mxnet", precision="fp16")


def test_texts_keep_the_numbers_of_their_words(tmp_path: Path) -> None:
    """float16 has every second number only from 2048 on."""
    net: Any = BERT(SMALL)
    net.initialize(mx.init.Normal(0.2))
    tokens = np.random.default_rng(0).integers(3000, 9001, (2, 12)).astype(np.float32)
    given = tokens, np.zeros_like(tokens), np.array([12, 7], np.float32)
    export(net, tmp_path / "net", given)
    export_onnx(tmp_path / "net", tmp_path / "half", precision="fp16")
    found = load(tmp_path / "half", backend="onnxruntime")(*given)
    sizes = [(tmp_path / name).stat().st_size for name in ("half.onnx", "net-0000.params")]
    assert sizes[0] < 0.6 * sizes[1]
    wanted = load(tmp_path / "net", backend="mxnet")(*given)
    assert difference(found, wanted) < 1e-2


def test_suppression_stays_float(tmp_path: Path) -> None:
    net = get_model("ssd_300_mobilenet0.25_voc")
    mx.random.seed(0)
    net.initialize(mx.init.Xavier(magnitude=2))
    data = np.random.default_rng(0).normal(size=(1, 3, 300, 300)).astype(np.float32)
    export(net, tmp_path / "net", data)
    export_onnx(tmp_path / "net", tmp_path / "half", precision="fp16")
    model = onnx.load(str(tmp_path / "half.onnx"))
    kinds = {
        value.name: value.type.tensor_type.elem_type
        for value in [*model.graph.value_info, *model.graph.output]
    }
    suppressed = [node for node in model.graph.node if node.op_type == "NonMaxSuppression"]
    assert suppressed
    for node in suppressed:
        assert {kinds[name] for name in node.input[:2]} == {onnx.TensorProto.FLOAT}


def test_a_weight_that_float16_cannot_hold_is_refused(tmp_path: Path) -> None:
    net = mx.gluon.nn.Dense(2, in_units=3)
    net.initialize(mx.init.Constant(1e5))
    export(net, tmp_path / "net", np.zeros((1, 3), np.float32))
    with pytest.raises(ValueError, match=r"weight has numbers up to 100000; float16 holds 65504"):
        export_onnx(tmp_path / "net", tmp_path / "half", precision="fp16")
    assert not list(tmp_path.glob("half*"))


def test_networks_that_find_regions_are_refused(tmp_path: Path) -> None:
    net = get_model("faster_rcnn_resnet50_v1b_voc")
    net.initialize()
    with pytest.raises(ValueError, match="regions"):
        export_onnx(net, tmp_path / "half", precision="fp16")


def test_what_is_not_float_stays_as_it_is(net: HybridBlock, path: Path, tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(size=(4, 3, 32, 32)).astype(np.float32)
    quantize(net, tmp_path / "int8", [data])
    with pytest.raises(ValueError, match="is int8 and was to be fp16"):
        export_onnx(tmp_path / "int8", tmp_path / "half", precision="fp16")
    with pytest.raises(ValueError, match="is fp32 and was to be bf16"):
        export_onnx(path, tmp_path / "half", precision="bf16")


def test_the_float_export_keeps_its_path(path: Path) -> None:
    with pytest.raises(ValueError, match="give its fp16 file another path"):
        export_onnx(path, path, precision="fp16")
    load(path, backend="onnxruntime")
