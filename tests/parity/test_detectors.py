"""Detectors against GluonCV: same weights, same detections on one picture."""

from __future__ import annotations

from collections.abc import Callable
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
    # Its CenterNets come with random weights.
    pytest.mark.filterwarnings("ignore:.*is already initialized, ignoring:UserWarning"),
]

SAMPLE = (
    "ssd_300_mobilenet0.25_voc",
    "ssd_300_vgg16_atrous_coco",
    "yolo3_mobilenet0.25_voc",
    "center_net_resnet18_v1b_dcnv2_voc",
    "center_net_mobilenetv3_small_duc_coco",
)
MODELS = [
    name
    for task in ("ssd", "yolo3", "center_net")
    for name in list_models(task=task)
    if model_info(name).precision == "fp32"
]
PARAMS = [name if name in SAMPLE else pytest.param(name, marks=pytest.mark.slow) for name in MODELS]


SIZES = {"_300_": 300, "yolo3_": 320, "center_net_": 256}
HEADS = (
    r"(class_predictors|box_predictors)\.\d+\.predictor|yolo_outputs\.\d+\.prediction"
    r"|heads\.\d+\.2"
)

PIXELS = 1e-3  # that boxes may be apart
# Deformable convolutions move their taps by what those before them give: where the picture changes
# by 3e-7 of its values, upstream's own boxes move by 0.0065 pixels (without, by 0.00006).
SENSITIVE = {"dla34_dcnv2": 5e-3}


def picture(name: str) -> mx.nd.NDArray:
    """Smooth blots: a picture has neighbours that are alike, unlike noise."""
    size = next((side for part, side in SIZES.items() if part in name), 512)
    small = np.random.default_rng(0).normal(size=(1, 3, 10, 10)).astype(np.float32)
    return mx.nd.contrib.BilinearResize2D(mx.nd.array(small), height=size, width=size)


def build(gluoncv: ModuleType, name: str) -> tuple[HybridBlock, dict[str, Any]]:
    """Upstream's network, and the options that make ours like it."""
    custom = name.endswith("_custom")
    theirs = {"classes": ["a", "b", "c"]} if custom else {}
    net = gluoncv.model_zoo.get_model(name, pretrained=False, pretrained_base=False, **theirs)
    return net, ({"classes": 3} if custom else {})


Arrays = list[np.ndarray]


def in_one_order(ours: Arrays, theirs: Arrays) -> tuple[Arrays, Arrays]:
    """What was found in the first image, ours beside the nearest of theirs, each taken once.

    Two detections whose scores differ in the last digit may stand either way. Those that score as
    the worst does are left out: which of them is within the most that are found is chance.
    """
    ours, theirs = ([part[0, found[0][0, :, 0] >= 0] for part in found] for found in (ours, theirs))
    assert len(ours[0]) == len(theirs[0])
    rows, others = np.concatenate(ours, axis=1), np.concatenate(theirs, axis=1)
    nearest = np.abs(rows[:, None] - others[None]).max(axis=2).argmin(axis=1)
    sure = ours[1][:, 0] > theirs[1].min() + 1e-5
    assert sure.mean() > 0.9
    assert len(set(nearest[sure])) == sure.sum()
    return [part[sure] for part in ours], [part[nearest[sure]] for part in theirs]


@pytest.mark.parametrize("name", PARAMS)
def test_detections_are_equal(
    name: str,
    gluoncv: ModuleType,
    randomize: Callable[..., None],
    record: Callable[..., None],
    tmp_path: Path,
    relative: Callable[..., float],
) -> None:
    upstream, options = build(gluoncv, name)
    upstream.initialize()
    x = picture(name)
    upstream(x)  # upstream learns its shapes from the first input
    randomize(upstream, x, {HEADS: 1.0})
    # CenterNet's class indices and scores lack the last axis there.
    found = (result.asnumpy() for result in upstream(x))
    expected = [result if result.ndim == 3 else result[..., None] for result in found]
    mx.nd.waitall()
    upstream.save_parameters(str(tmp_path / "upstream.params"))
    ours = get_model(name, tmp_path / "upstream.params", **options)
    results = [result.asnumpy() for result in ours(x)]
    assert (expected[0] >= 0).sum() >= 20
    np.testing.assert_allclose(results[1], expected[1], rtol=0, atol=1e-5)  # the best first
    (ids, scores, boxes), theirs = in_one_order(results, expected)
    np.testing.assert_array_equal(ids, theirs[0])
    pairs = ((scores, theirs[1]), (boxes, theirs[2]))
    record("detectors", name, eager=max(relative(a, b) for a, b in pairs))
    np.testing.assert_allclose(scores, theirs[1], rtol=0, atol=1e-5)
    pixels = next((bound for part, bound in SENSITIVE.items() if part in name), PIXELS)
    np.testing.assert_allclose(boxes, theirs[2], rtol=0, atol=pixels)
    if ours.postprocess.nms.suppression.threshold is not None:
        assert (iou(boxes, boxes) > 0.1).any()  # so that suppression had something to decide


@pytest.mark.parametrize(
    "name",
    [
        "ssd_300_vgg16_atrous_voc",
        "yolo3_mobilenet0.25_voc",
        "yolo3_darknet53_voc",
        "center_net_resnet18_v1b_voc",
        "center_net_resnet18_v1b_dcnv2_coco",
        "center_net_dla34_voc",
        "center_net_dla34_dcnv2_coco",
        "center_net_mobilenetv3_large_duc_voc",
        "center_net_mobilenetv3_small_duc_voc",
    ],
)
def test_names_turn_back_into_upstreams(name: str, gluoncv: ModuleType) -> None:
    theirs = build(gluoncv, name)[0]._collect_params_with_prefix()
    ours = get_model(name)._collect_params_with_prefix()
    assert any(
        {table.to_foreign(key) for key in ours} == set(theirs) for table in model_info(name).renames
    )
