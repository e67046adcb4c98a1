"""Segmentation: the scores of every pixel, other backbones, published names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit import deploy
from toolkit.model_zoo import get_model, list_models, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.tasks.segmenter import HEADS, Segmenter
from toolkit.model_zoo.weights import get_arrays
from toolkit.utils.testing import assert_is_segmenter

COUNTS = {"fcn": 2, "psp": 2, "deeplab": 2, "dual_attention": 3, "fusion": 2, "cascade": 4}
# A head of any kind on a small backbone.
PAIRS = [
    *((head, "mobilenet0.25") for head in sorted(HEADS) if head not in ("cascade", "joined")),
    ("joined", "hrnet_w18_small_v1_c"),
    ("fusion", "fast_scnn"),
    ("cascade", "resnet18_v1b"),
]


def small(head: str = "fcn", backbone: str = "mobilenet0.25", classes: Any = 3) -> Segmenter:
    options: dict[str, Any] = {}
    if backbone.startswith("hrnet"):
        options["bilinear"] = True
    if backbone.startswith("resnet"):
        options["output_stride"] = 8
    return Segmenter(BACKBONES.create(backbone, **options), classes, head=head)


def ready(*args: Any) -> Segmenter:
    """A small one with random weights."""
    net = small(*args)
    mx.random.seed(0)
    net.initialize(mx.init.Xavier(magnitude=4))
    for key, param in net._collect_params_with_prefix().items():
        if key.endswith("gain"):
            param.set_data(mx.nd.ones(param.shape))
    return net


@pytest.fixture
def images() -> mx.nd.NDArray:
    return mx.nd.array(np.random.default_rng(0).normal(size=(2, 3, 64, 96)))


@pytest.mark.parametrize(("head", "backbone"), PAIRS)
def test_it_is_a_segmenter(head: str, backbone: str) -> None:
    assert_is_segmenter(lambda: small(head, backbone), (2, 3, 64, 96))


@pytest.mark.parametrize(("head", "backbone"), PAIRS)
def test_every_parameter_is_trained(head: str, backbone: str, images: mx.nd.NDArray) -> None:
    net = ready(head, backbone)
    with mx.autograd.record():
        scores = net.network(images)
        loss = sum((s * mx.nd.random.normal(shape=s.shape)).mean() for s in scores)
    assert len(scores) == COUNTS.get(head, 1)
    loss.backward()
    still = [
        key
        for key, param in net._collect_params_with_prefix().items()
        if param.grad_req != "null" and not param.grad().asnumpy().any()
    ]
    assert [key for key in still if "backbone" not in key] == []  # some of its units are dead
    assert len(still) < 10


@pytest.mark.parametrize(("head", "backbone"), PAIRS)
def test_an_exported_one_gives_the_same_in_mxnet_and_in_onnx(
    head: str, backbone: str, images: mx.nd.NDArray, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    net = ready(head, backbone)
    expected = net(images).asnumpy()
    deploy.export(net, tmp_path / "net", images)
    deploy.export_onnx(tmp_path / "net", tmp_path / "net")
    for backend in ("mxnet", "onnxruntime"):
        (found,) = deploy.load(tmp_path / "net", backend=backend)(images.asnumpy())
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_hybridizing_does_not_warn_of_what_only_training_wants(
    images: mx.nd.NDArray, recwarn: pytest.WarningsRecorder
) -> None:
    net = ready()
    net.hybridize()
    net(images)
    assert [str(w.message) for w in recwarn if "not used" in str(w.message)] == []


def test_an_unknown_head_names_the_near_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown head 'deeplabb'.*deeplab"):
        small("deeplabb")


def test_classes_may_have_names() -> None:
    net = small(classes=["road", "sky"])
    assert (net.classes, net.labels) == (2, ("road", "sky"))
    assert small().labels is None
    with pytest.raises(ValueError, match="classes must be names or a number"):
        small(classes=0)


def test_any_backbone_gets_a_head_through_the_one_door() -> None:
    net = get_model("squeezenet1.1", task="segmenter", head="psp", classes=5)
    net.initialize()
    assert net(mx.nd.zeros((1, 3, 65, 50))).shape == (1, 5, 65, 50)


def test_published_names_are_there() -> None:
    models = {name: model_info(name) for name in list_models(task="segmenter")}
    plain = [name for name, info in models.items() if info.precision == "fp32"]
    assert (len(models), len(plain)) == (37, 31)
    assert len([name for name in plain if models[name].weights]) == 27
    labels = {"voc": 21, "coco": 21, "ade": 150, "citys": 19, "mhpv1": 19}
    for name, info in models.items():
        data = name.removesuffix("_int8").rsplit("_", 1)[-1]
        assert info.classes == labels.get(data, 19), name
        assert info.options["head"] in HEADS
    assert {models[name].entry().file for name in models if name.endswith("_int8")} == {
        models[name.removesuffix("_int8")].entry().file for name in models if "_int8" in name
    }


@pytest.mark.parametrize(
    ("name", "table", "foreign", "ours"),
    [
        (
            "fcn_resnet50_ade",
            "gluoncv_resnet",
            "auxlayer.block.4.bias",
            "network.auxiliary.output.bias",
        ),
        (
            "psp_resnet50_ade",
            "gluoncv_resnet",
            "head.psp.conv2.0.weight",
            "network.head.pool.grids.1.1.conv.weight",
        ),
        (
            "deeplab_resnest50_ade",
            "gluoncv_resnest",
            "head.aspp.concurent.4.gap.2.gamma",
            "network.head.pyramid.mean.1.norm.gamma",
        ),
        (
            "deeplab_v3b_plus_wideresnet_citys",
            "gluoncv_wide_resnet",
            "mod6.0.convs.3.0.beta",
            "network.backbone.stages.6.0.body.1.norm.beta",
        ),
        ("danet_resnet50_citys", "gluoncv_resnet", "head.sc.gamma", "network.head.channels.gain"),
        (
            "icnet_resnet50_mhpv1",
            "gluoncv_icnet",
            "head.cff_12.conv_hign.1.gamma",
            "network.second.fine.norm.gamma",
        ),
        (
            "fastscnn_citys",
            "gluoncv_fast_scnn",
            "global_feature_extractor.bottleneck2.1.block.2.weight",
            "network.backbone.stages.4.1.body.2.conv.weight",
        ),
        ("hrnet_w18_small_v1_s", "gluoncv_hrnet", "last_layer.3.bias", "network.head.output.bias"),
    ],
)
def test_upstreams_keys_turn_into_ours_and_back(
    name: str, table: str, foreign: str, ours: str
) -> None:
    keys = set(get_model(name)._collect_params_with_prefix())
    rows = next(t for t in model_info(name).renames if t.name == table)
    assert ours in keys
    assert (rows.to_ours(foreign), rows.to_foreign(ours)) == (ours, foreign)
    assert {rows.to_ours(rows.to_foreign(key) or "") for key in keys} == keys


def test_a_published_model_has_its_labels_and_loads_upstreams_names(tmp_path: Path) -> None:
    net = get_model("fastscnn_citys")
    assert net.labels is not None
    assert (len(net.labels), net.labels[0], net.labels[-1]) == (19, "road", "bicycle")
    net.initialize()
    expected = get_arrays(net)
    table = next(t for t in net.info.renames if t.name == "gluoncv_fast_scnn")
    file = {table.to_foreign(key): mx.nd.array(value) for key, value in expected.items()}
    mx.nd.save(str(tmp_path / "upstream.params"), file)
    again = get_arrays(get_model("fastscnn_citys", tmp_path / "upstream.params"))
    assert all((value == expected[key]).all() for key, value in again.items())
