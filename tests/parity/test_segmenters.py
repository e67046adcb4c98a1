"""Semantic segmentation against GluonCV: same weights, same scores of every pixel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit import deploy
from toolkit.model_zoo import get_model, list_models, model_info

pytestmark = pytest.mark.parity

SAMPLE = (
    "danet_resnet50_citys",
    "deeplab_resnest50_ade",
    "deeplab_resnet50_ade",
    "deeplab_v3b_plus_wideresnet_citys",
    "fastscnn_citys",
    "fcn_resnet50_voc",
    "hrnet_w18_small_v1_s",
    "icnet_resnet50_mhpv1",
    "psp_resnet50_ade",
)
MODELS = [n for n in list_models(task="segmenter") if model_info(n).precision == "fp32"]
PARAMS = [name if name in SAMPLE else pytest.param(name, marks=pytest.mark.slow) for name in MODELS]
# Their layers of scores.
OUTPUTS = (
    r"(head|auxlayer)\.block\.4|head\.conv[678]\.0|head\.(conv_cls|cff_\d\d\.conv_low_cls)"
    r"|classifier\.conv|last_layer\.3"
)
SIDE = 64
TOLERANCE = 2e-5  # of the largest score


def picture(height: int, width: int) -> mx.nd.NDArray:
    """Smooth blots: a picture has neighbours that are alike, unlike noise."""
    small = np.random.default_rng(0).normal(size=(1, 3, 10, 10)).astype(np.float32)
    return mx.nd.contrib.BilinearResize2D(mx.nd.array(small), height=height, width=width)


def build(gluoncv: ModuleType, name: str) -> HybridBlock:
    """Upstream's network, for images of one size."""
    options = {"pretrained_base": False, "crop_size": SIDE, "root": "unused"}
    if name.startswith(("hrnet", "fastscnn")):
        options = {} if name.startswith("hrnet") else {"crop_size": SIDE}
    return gluoncv.model_zoo.get_model(name, pretrained=False, **options)


def drawn(randomize: Callable[..., None], net: HybridBlock, name: str, x: mx.nd.NDArray) -> None:
    """Random weights, by which scores are two apart."""
    randomize(net, x, {r"head\.block\.6" if "wideresnet" in name else OUTPUTS: 2.0})


def scores_of(net: HybridBlock, name: str, x: mx.nd.NDArray) -> list[np.ndarray]:
    """What upstream gives, main scores first."""
    found = net(x)
    if name.startswith("hrnet"):  # there without the last step
        found = [mx.nd.contrib.BilinearResize2D(found, like=x, mode="like", align_corners=False)]
    return [scores.asnumpy() for scores in found]


@pytest.mark.parametrize("name", PARAMS)
def test_scores_are_equal(
    name: str,
    gluoncv: ModuleType,
    randomize: Callable[..., None],
    record: Callable[..., None],
    tmp_path: Path,
    relative: Callable[..., float],
) -> None:
    upstream = build(gluoncv, name)
    upstream.initialize(force_reinit=True)
    x = picture(SIDE, SIDE)
    upstream(x)  # upstream learns some shapes from the first input
    drawn(randomize, upstream, name, x)
    expected = scores_of(upstream, name, x)
    mx.nd.waitall()
    upstream.save_parameters(str(tmp_path / "upstream.params"))
    ours = get_model(name, tmp_path / "upstream.params")
    raw = [scores.asnumpy() for scores in ours.network(x)]
    assert len(raw) == len(expected)
    assert max(len(np.unique(a.argmax(1))) for a in expected) > 1
    assert expected[0].std() > 0.1
    eager = max(relative(a, b) for a, b in zip(raw, expected, strict=True))
    ours.hybridize()
    hybridized = relative(ours(x).asnumpy(), expected[0])
    ours.hybridize(False)
    values = {"eager": eager, "hybridized": hybridized}
    if name in SAMPLE:
        manifest = deploy.export(ours, tmp_path / "exported", x)
        values["exported"] = relative(deploy.load(manifest)(x.asnumpy())[0], expected[0])
    record("segmenters", name, **values)
    assert max(values.values()) < TOLERANCE, values


@pytest.mark.parametrize("name", PARAMS)
def test_names_turn_back_into_upstreams(name: str, gluoncv: ModuleType) -> None:
    theirs = set(build(gluoncv, name)._collect_params_with_prefix())
    ours = get_model(name)._collect_params_with_prefix()
    assert any(
        {table.to_foreign(key) for key in ours} == theirs for table in model_info(name).renames
    )


@pytest.mark.parametrize(
    "name",
    ["fcn_resnet50_voc", "psp_resnet50_ade", "deeplab_resnet50_ade", "icnet_resnet50_citys"],
)
def test_images_of_other_sizes(
    name: str,
    gluoncv: ModuleType,
    randomize: Callable[..., None],
    tmp_path: Path,
    relative: Callable[..., float],
) -> None:
    upstream = build(gluoncv, name)
    upstream.initialize(force_reinit=True)
    x = picture(SIDE, SIDE)
    upstream(x)
    drawn(randomize, upstream, name, x)
    height, width = (96, 160) if name.startswith("icnet") else (75, 101)
    other = picture(height, width)
    expected = upstream.predict(other).asnumpy()
    mx.nd.waitall()
    upstream.save_parameters(str(tmp_path / "upstream.params"))
    ours = get_model(name, tmp_path / "upstream.params")
    assert relative(ours(other).asnumpy(), expected) < TOLERANCE
