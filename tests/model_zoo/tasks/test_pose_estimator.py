"""Pose estimation: heat maps, other backbones, published names."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit import deploy
from toolkit.model_zoo import get_model, list_models, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.tasks.pose_estimator import NECKS, PoseEstimator
from toolkit.model_zoo.weights import get_arrays
from toolkit.utils.testing import assert_is_pose_estimator


def small(neck: str = "deconv", classes: Any = 5) -> PoseEstimator:
    return PoseEstimator(BACKBONES.create("mobilenet0.25"), classes, neck=neck)


@pytest.fixture
def images() -> mx.nd.NDArray:
    return mx.nd.array(np.random.default_rng(0).normal(size=(2, 3, 64, 96)))


@pytest.mark.parametrize("neck", NECKS)
def test_maps_are_at_a_quarter_of_the_resolution(neck: str) -> None:
    assert small(neck).stride == 4
    assert_is_pose_estimator(partial(small, neck), (2, 3, 64, 96))


@pytest.mark.parametrize("neck", NECKS)
def test_an_exported_one_gives_the_same_in_mxnet_and_in_onnx(
    neck: str, images: mx.nd.NDArray, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    net = small(neck)
    net.initialize(mx.init.Xavier(), force_reinit=True)
    for param in net.collect_params("(?!.*(running|gamma|beta)).*").values():
        param.set_data(mx.nd.random.normal(scale=0.1, shape=param.shape))
    expected = net(images).asnumpy()
    deploy.export(net, tmp_path / "net", images)
    deploy.export_onnx(tmp_path / "net", tmp_path / "net")
    for backend in ("mxnet", "onnxruntime"):
        (found,) = deploy.load(tmp_path / "net", backend=backend)(images.asnumpy())
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_joints_may_have_names_and_errors_tell() -> None:
    assert small(classes=["head", "hand"]).labels == ("head", "hand")
    assert small().labels is None
    with pytest.raises(ValueError, match=r"unknown neck 'deconvv'.*deconv"):
        small("deconvv")
    with pytest.raises(ValueError, match="classes must be names or a number"):
        small(classes=0)


def test_published_names_are_there() -> None:
    names = list_models(task="pose_estimator")
    assert len(names) == 19
    assert len([name for name in names if model_info(name).precision == "int8"]) == 5
    assert all(model_info(name).weights for name in names)
    net = get_model("mobile_pose_mobilenetv3_small")
    assert net.labels is not None
    assert (len(net.labels), net.labels[0]) == (17, "nose")
    assert {w.tag for w in model_info("simple_pose_resnet18_v1b").weights} == {
        "f63d42ac",
        "ccd24037",
    }


@pytest.mark.parametrize(
    ("name", "table", "foreign", "ours"),
    [
        (
            "simple_pose_resnet50_v1d",
            "gluoncv_simple",
            "resnet.4.0.downsample.2.gamma",
            "backbone.stages.0.0.shortcut.1.norm.gamma",
        ),
        (
            "simple_pose_resnet18_v1b",
            "gluoncv_simple",
            "deconv_layers.3.weight",
            "neck.1.conv.weight",
        ),
        (
            "alpha_pose_resnet101_v1b_coco",
            "gluoncv_alpha",
            "preact.layer2.0.se.fc.2.bias",
            "backbone.stages.1.0.attention.excite.bias",
        ),
        (
            "mobile_pose_mobilenet1.0",
            "gluoncv_mobile_v1",
            "upsampling.2.bn.beta",
            "neck.2.0.norm.beta",
        ),
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


def test_upstreams_names_are_loaded(tmp_path: Path) -> None:
    net = get_model("mobile_pose_mobilenetv3_small")
    net.initialize()
    expected = get_arrays(net)
    table = next(t for t in net.info.renames if t.name == "gluoncv_mobile_v3_small")
    file = {table.to_foreign(key): mx.nd.array(value) for key, value in expected.items()}
    mx.nd.save(str(tmp_path / "upstream.params"), file)
    again = get_arrays(get_model("mobile_pose_mobilenetv3_small", tmp_path / "upstream.params"))
    assert all((value == expected[key]).all() for key, value in again.items())
