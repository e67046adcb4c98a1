"""R-CNNs against GluonCV: same weights, same detections and masks on one picture."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.data.vision import read_image
from toolkit.model_zoo import get_model, list_models, model_info
from toolkit.utils.boxes import iou

pytestmark = [
    pytest.mark.parity,
    # Upstream cuts its backbones out of graphs whose input has no type yet.
    pytest.mark.filterwarnings("ignore:Cannot decide type:UserWarning"),
    pytest.mark.filterwarnings("ignore:Caution using SyncBatchNorm:UserWarning"),
]

SAMPLE = (
    "custom_faster_rcnn_fpn",
    "faster_rcnn_resnet50_v1b_voc",
    "mask_rcnn_fpn_resnet18_v1b_coco",
    "mask_rcnn_resnet18_v1b_coco",
)
MODELS = [*list_models(task="faster_rcnn"), *list_models(task="mask_rcnn")]
PARAMS = [name if name in SAMPLE else pytest.param(name, marks=pytest.mark.slow) for name in MODELS]
REGIONS = 100  # proposed by both, for speed
# How far apart random heads should put what they say, that there be something to decide.
DEVIATIONS = {
    r"rpn\.(rpn_head\.)?score": 2.0,
    r"rpn\.(rpn_head\.)?loc": 0.3,
    "class_predictor": 2.5,
    "box_predictor": 1.0,
    "mask.mask": 2.0,
}
# What a user of upstream's own scripts gives where a name leaves it open.
CUSTOM = {
    "classes": ["a", "b", "c"],
    "strides": (4, 8, 16, 32, 64),
    "min_stage": 2,
    "max_stage": 6,
    "scales": (2, 4, 8, 16, 32),
    "alloc_size": (384, 384),
    "rpn_min_size": 1,
    "nms_thresh": 0.5,
    "nms_topk": -1,
}


@pytest.fixture(autouse=True)
def _sound_roi_align(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a CPU the operator gives of regions without an image what lies in memory.

    Upstream adds such results up: it means the zeros that a GPU gives.
    """
    plain = mx.nd.contrib.ROIAlign

    def sound(data: Any, rois: Any, *args: Any, **options: Any) -> Any:
        rois = mx.nd.concat(mx.nd.zeros_like(rois[:1]), rois, dim=0)
        pooled = plain(data, rois, *args, **options)
        return mx.nd.where(rois[:, 0] >= 0, pooled, mx.nd.zeros_like(pooled))[1:]

    monkeypatch.setattr(mx.nd.contrib, "ROIAlign", sound)


def picture(data: Path) -> mx.nd.NDArray:
    """A photograph of 160 by 240 pixels, normalized."""
    image = read_image(data / "gluoncv_webdata/gluoncv/detection/street_small.jpg")
    image = mx.image.imresize(mx.nd.array(image), 240, 160).transpose((2, 0, 1)) / 255
    return ((image - 0.45) / 0.225).expand_dims(0)


def build(gluoncv: ModuleType, name: str) -> tuple[HybridBlock, dict[str, Any]]:
    """Upstream's network, and the options that make ours like it.

    It is the first of its kind in a process: numbers of networks are in some names.
    """
    custom = name.startswith("custom") or name.endswith("_custom")
    theirs: dict[str, Any] = {"classes": CUSTOM["classes"]} if custom else {}
    if name.startswith("custom"):
        theirs = {**CUSTOM, "clip": 4.42 if "mask" in name else 4.14, "roi_size": (14, 14)}
    if name == "custom_faster_rcnn_fpn":  # by this name it builds a double head that cannot run
        module = importlib.import_module("gluoncv.model_zoo.rcnn.faster_rcnn.faster_rcnn")
        make = module.custom_faster_rcnn_fpn
    else:
        make = partial(gluoncv.model_zoo.get_model, name, pretrained=False)
    with mx.name.NameManager():
        net = make(pretrained_base=False, **theirs)
    net._rpn_test_post_nms = net.rpn._test_post_nms = REGIONS
    if "mask" in name:
        net._rcnn_max_dets = REGIONS
    return net, ({"classes": 3} if custom else {})


def found(results: list[mx.nd.NDArray]) -> list[np.ndarray]:
    """What was found in the first image, the best first."""
    arrays = [result[0].asnumpy() for result in results]
    order = np.argsort(-arrays[1][:, 0], kind="stable")
    return [array[order[arrays[0][order, 0] >= 0]] for array in arrays]


def as_theirs(ours: list[np.ndarray], theirs: list[np.ndarray]) -> list[np.ndarray]:
    """Theirs in the order of ours: those whose scores differ in the last digit may be swapped."""
    rows, others = (np.concatenate(found[:3], axis=1) for found in (ours, theirs))
    nearest = np.abs(rows[:, None] - others[None]).max(axis=2).argmin(axis=1)
    assert len(set(nearest)) == len(nearest) == len(others)
    return [part[nearest] for part in theirs]


@pytest.mark.realdata
@pytest.mark.parametrize("name", PARAMS)
def test_detections_are_equal(
    name: str,
    gluoncv: ModuleType,
    randomize: Callable[..., None],
    tmp_path: Path,
    data_root: Path,
) -> None:
    upstream, options = build(gluoncv, name)
    upstream.initialize()
    x = picture(data_root)
    upstream(x)  # upstream learns its shapes from the first input
    randomize(upstream, x, DEVIATIONS, gain=0.5 if "269" in name else 1.0)
    theirs = found(upstream(x))
    mx.nd.waitall()
    upstream.save_parameters(str(tmp_path / "upstream.params"))
    ours = get_model(name, tmp_path / "upstream.params", **options)
    ours.set_proposals(proposals=REGIONS)
    most = REGIONS if "mask" in name else REGIONS * ours.classes
    ours.set_nms(candidates=REGIONS * ours.classes, detections=most)
    results = found(ours(x))
    assert len(results[0]) >= 20
    expected = as_theirs(results, theirs)
    np.testing.assert_array_equal(results[0], expected[0])
    np.testing.assert_allclose(results[1], expected[1], rtol=0, atol=1e-5)
    np.testing.assert_allclose(results[2], expected[2], rtol=0, atol=1e-3)
    for mask, other in zip(results[3:], expected[3:], strict=True):
        np.testing.assert_allclose(mask, other, rtol=1e-4, atol=1e-5)
        assert mask.std() > 0.1
    overlaps = iou(results[2], results[2])
    assert (np.triu(overlaps, 1) > 0.1).any()  # so that suppression had something to decide


@pytest.mark.parametrize("name", PARAMS)
def test_names_turn_back_into_upstreams(name: str, gluoncv: ModuleType) -> None:
    upstream, options = build(gluoncv, name)
    ours = get_model(name, **options)._collect_params_with_prefix()
    theirs = set(upstream._collect_params_with_prefix())
    assert any(
        {table.to_foreign(key) for key in ours} == theirs for table in model_info(name).renames
    )
