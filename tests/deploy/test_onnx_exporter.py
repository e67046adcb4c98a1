from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.data.vision import PRESETS
from toolkit.deploy import UnsupportedOperatorError, export, export_onnx, load
from toolkit.deploy.agreement import difference
from toolkit.deploy.manifest import Manifest
from toolkit.model_zoo import get_model, list_models, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.tasks.mask_rcnn import MaskRCNN
from toolkit.model_zoo.tasks.rcnn_layouts import RCNNLayout
from toolkit.model_zoo.text.bert import BERT, BERTConfig
from toolkit.model_zoo.text.gpt2 import GPT2, GPT2Config
from toolkit.model_zoo.text.t5 import T5, T5Config
from toolkit.model_zoo.text.text_cnn import TextCNN, TextCNNConfig
from toolkit.nn.nms import Suppression
from toolkit.nn.proposals import ProposalRule
from toolkit.utils.settling import settle

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def model(classifier: HybridBlock, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return onnx.load(str(export_onnx(classifier, tmp_path_factory.mktemp("onnx") / "net")))


def test_the_file_is_one_that_every_runtime_takes(model: Any) -> None:
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version == 8
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 13)]
    assert not {node.op_type for node in model.graph.node} & {"BatchNormalization", "Dropout"}


def test_weights_are_initializers_only(model: Any) -> None:
    assert [value.name for value in model.graph.input] == ["data"]
    assert len(model.graph.initializer) > 40


def test_the_batch_is_free_and_all_shapes_are_inferred(model: Any) -> None:
    axes = model.graph.input[0].type.tensor_type.shape.dim
    assert [axis.dim_param or axis.dim_value for axis in axes] == ["N", 3, 32, 32]
    shaped = {value.name for value in [*model.graph.value_info, *model.graph.output]}
    made = {name for node in model.graph.node for name in node.output}
    assert made <= shaped


def test_it_is_loaded_like_other_exports(classifier: HybridBlock, tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(size=(3, 3, 32, 32)).astype(np.float32)
    runner = load(export_onnx(classifier, tmp_path / "net"))
    assert runner.backend == "onnxruntime"
    assert runner.manifest.labels is not None
    np.testing.assert_allclose(runner(data)[0], classifier(mx.nd.array(data)).asnumpy(), atol=1e-4)


def test_an_exports_own_manifest_lists_both(features: HybridBlock, tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype(np.float32)
    export(features, tmp_path / "net", data)
    export_onnx(tmp_path / "net", tmp_path / "net")
    listed = Manifest.read(tmp_path / "net-manifest.json").files
    assert sorted(listed) == ["-0000.params", "-symbol.json", ".onnx"]
    left = load(tmp_path / "net", backend="mxnet")(data)
    right = load(tmp_path / "net", backend="onnxruntime")(data)
    for one, other in zip(left, right, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


class Strange(HybridBlock):
    def hybrid_forward(self, F, x):
        return F.Correlation(F.LRN(x, nsize=3), x)


def test_what_has_no_counterpart_is_named_with_its_layer(tmp_path: Path) -> None:
    net = Strange()
    net.initialize()
    export(net, tmp_path / "net", np.zeros((1, 5, 6, 6), np.float32))
    with pytest.raises(
        UnsupportedOperatorError, match=r"LRN \(layer lrn0, 1 in all\), Correlation \(layer"
    ):
        export_onnx(tmp_path / "net", tmp_path / "new")
    assert not (tmp_path / "new.onnx").exists()


def test_without_onnx_the_advice_is_given(
    classifier: HybridBlock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'gluon-toolkit\[onnx\]'"):
        export_onnx(classifier, tmp_path / "net")


TEXTS: dict[str, HybridBlock] = {
    "bert": BERT(BERTConfig(layers=2, units=16, hidden_units=32, heads=2, vocab_size=50)),
    "shared layers, no segments": BERT(
        BERTConfig(
            layers=2,
            units=16,
            hidden_units=32,
            heads=2,
            vocab_size=50,
            segments=0,
            embedding_units=8,
            shared=True,
            activation="gelu_tanh",
        )
    ),
    "gpt2": GPT2(GPT2Config(layers=2, units=16, heads=2, vocab_size=50)),
    "t5": T5(T5Config(layers=2, units=16, heads=2, head_units=8, hidden_units=32, vocab_size=50)),
    "textcnn": TextCNN(TextCNNConfig(vocab_size=50, classes=3, units=8, channels=4)),
}


def texts(net: HybridBlock, rows: int, length: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    ids = [rng.integers(0, top, (rows, length)).astype(np.float32) for top in (50, 2)]
    valid = rng.integers(1, length + 1, rows).astype(np.float32)
    return [*(ids[:1] if isinstance(net, TextCNN) else ids), valid]


@pytest.mark.parametrize("name", TEXTS)
def test_texts_of_any_length(name: str, tmp_path: Path) -> None:
    net = TEXTS[name]
    net.initialize(mx.init.Normal(0.3), force_reinit=True)
    export(net, tmp_path / "net", tuple(texts(net, 2, 9)))
    model = onnx.load(str(export_onnx(tmp_path / "net", tmp_path / "net")))
    axes = model.graph.input[0].type.tensor_type.shape.dim
    assert [axis.dim_param for axis in axes] == ["N", "T"]
    runners = [load(tmp_path / "net", backend=backend) for backend in ("mxnet", "onnxruntime")]
    for rows, length in ((1, 1), (3, 9), (2, 30)):
        given = texts(net, rows, length)
        wanted, found = (runner(*given)[0] for runner in runners)
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, atol=1e-4)
    assert runners[1].sample(2)[0].shape == (2, 128)


LITTLE: dict[str, Any] = {
    "between": 8,
    "cells": 32,
    "size": 4,
    "mask_convs": 1,
    "proposals": ProposalRule(0.7, 60, 12, 4.0),  # regions of no height tie
    "suppression": Suppression(0.5, 40, 20, 0.0),
}


@pytest.mark.parametrize("name", ["ssd_300_mobilenet0.25_coco", "yolo3_mobilenet0.25_coco"])
def test_detectors_find_the_same(name: str, tmp_path: Path) -> None:
    images = mx.nd.random.normal(shape=(2, 3, 128, 128))
    net = get_model(name)
    net.initialize(mx.init.Xavier(magnitude=2))
    settle(net.network, images, layers=True)
    export(net, tmp_path / "net", images)
    export_onnx(tmp_path / "net", tmp_path / "net")
    runners = [load(tmp_path / "net", backend=backend) for backend in ("mxnet", "onnxruntime")]
    for rows in (1, 2):
        wanted, found = (runner(images[:rows].asnumpy()) for runner in runners)
        assert (wanted[0] >= 0).any()
        assert difference(found, wanted) <= 1e-3  # widths are exponentials of what is rounded


@pytest.mark.parametrize(
    "layout", [RCNNLayout(pyramid=8, units=(10,), **LITTLE), RCNNLayout(**LITTLE)]
)
def test_regions_and_their_masks_are_the_same(layout: RCNNLayout, tmp_path: Path) -> None:
    images = mx.nd.random.normal(shape=(2, 3, 64, 64))
    net = MaskRCNN(BACKBONES.create("resnet18_v1b"), 3, layout=layout)
    net.initialize(mx.init.MSRAPrelu("in", 0))
    settle(net, images, layers=True)
    export(net, tmp_path / "net", images)
    export_onnx(tmp_path / "net", tmp_path / "net")
    wanted, found = (
        load(tmp_path / "net", backend=backend)(images.asnumpy())
        for backend in ("mxnet", "onnxruntime")
    )
    assert (wanted[0] >= 0).any()
    assert difference(found, wanted) <= 1e-3


def compare(name: str, folder: Path) -> None:
    net = get_model(name)
    net.initialize(mx.init.Xavier(magnitude=2))
    size = PRESETS[model_info(name).preprocess].size
    data = mx.nd.random.normal(shape=(2, 3, *size))
    net(data[:1])
    rng = np.random.default_rng(0)
    for parameter in net.collect_params().values():
        if len(parameter.shape) == 1:
            parameter.set_data(mx.nd.array(rng.uniform(0.5, 1, parameter.shape)))
    wanted = net(data).asnumpy()
    (found,) = load(export_onnx(net, folder / "net"))(data.asnumpy())
    assert np.abs(found - wanted).max() <= 1e-4 * np.abs(wanted).max()


SMALL = ("mobilenetv3_small", "squeezenet1.0", "shufflenet_v1")
NAMES = list_models(task="image_classifier")
assert len(NAMES) > 100


@pytest.mark.parametrize(
    "name", [*SMALL, *(pytest.param(n, marks=pytest.mark.slow) for n in NAMES if n not in SMALL)]
)
def test_published_classifiers_answer_the_same(name: str, tmp_path: Path) -> None:
    compare(name, tmp_path)
