"""Detectors against GluonCV: same weights, same detections on one picture."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.model_zoo import get_model, list_models, model_info
from toolkit.utils.boxes import iou

pytestmark = [
    pytest.mark.parity,
    # Upstream cuts its backbones out of graphs whose input has no type yet.
    pytest.mark.filterwarnings("ignore:Cannot decide type:UserWarning"),
]

SAMPLE = ("ssd_300_mobilenet0.25_voc", "ssd_300_vgg16_atrous_coco")
MODELS = [name for name in list_models(task="ssd") if model_info(name).precision == "fp32"]
PARAMS = [name if name in SAMPLE else pytest.param(name, marks=pytest.mark.slow) for name in MODELS]


def picture(name: str) -> mx.nd.NDArray:
    """Smooth blots: a picture has neighbours that are alike, unlike noise."""
    size = 300 if "_300_" in name else 512
    small = np.random.default_rng(0).normal(size=(1, 3, 10, 10)).astype(np.float32)
    return mx.nd.contrib.BilinearResize2D(mx.nd.array(small), height=size, width=size)


def randomize(net: HybridBlock, x: mx.nd.NDArray) -> None:
    """Random weights, those of the heads such that scores are neither alike nor sure."""
    rng = np.random.default_rng(1)
    params = net._collect_params_with_prefix()
    for key, param in params.items():
        if re.search("anchors|init_scale", key):
            continue
        if re.search("(gamma|running_var|moving_var)$", key):
            values = rng.uniform(0.3, 0.9, param.shape)
        elif key.endswith("weight"):
            fan_in = int(np.prod(param.shape[1:]))
            values = rng.standard_normal(param.shape, dtype="float32") * (2 / fan_in) ** 0.5
        else:
            values = rng.normal(0, 0.1, param.shape)
        param.set_data(mx.nd.array(values))
    features = net.features(x)
    for part in ("class_predictors", "box_predictors"):
        for level, (head, feature) in enumerate(zip(getattr(net, part), features, strict=True)):
            weight = params[f"{part}.{level}.predictor.weight"]
            weight.set_data(weight.data() / head(feature).asnumpy().std())


def build(gluoncv: ModuleType, name: str) -> tuple[HybridBlock, dict[str, Any]]:
    """Upstream's network, and the options that make ours like it."""
    custom = name.endswith("_custom")
    theirs = {"classes": ["a", "b", "c"]} if custom else {}
    net = gluoncv.model_zoo.get_model(name, pretrained=False, pretrained_base=False, **theirs)
    return net, ({"classes": 3} if custom else {})


@pytest.mark.parametrize("name", PARAMS)
def test_detections_are_equal(name: str, gluoncv: ModuleType, tmp_path: Path) -> None:
    upstream, options = build(gluoncv, name)
    upstream.initialize()
    x = picture(name)
    upstream(x)  # upstream learns its shapes from the first input
    randomize(upstream, x)
    expected = [result.asnumpy() for result in upstream(x)]
    mx.nd.waitall()
    upstream.save_parameters(str(tmp_path / "upstream.params"))
    ours = get_model(name, tmp_path / "upstream.params", **options)
    ids, scores, boxes = (result.asnumpy() for result in ours(x))
    assert (expected[0] >= 0).sum() >= 20
    np.testing.assert_array_equal(ids, expected[0])
    np.testing.assert_allclose(scores, expected[1], rtol=0, atol=1e-5)
    np.testing.assert_allclose(boxes, expected[2], rtol=0, atol=1e-3)
    found = boxes[0][ids[0, :, 0] >= 0]
    assert (iou(found, found) > 0.1).any()  # so that suppression had something to decide


def test_names_turn_back_into_upstreams(gluoncv: ModuleType) -> None:
    name = "ssd_300_vgg16_atrous_voc"
    theirs = build(gluoncv, name)[0]._collect_params_with_prefix()
    ours = get_model(name)._collect_params_with_prefix()
    assert any(
        {table.to_foreign(key) for key in ours} == set(theirs) for table in model_info(name).renames
    )
