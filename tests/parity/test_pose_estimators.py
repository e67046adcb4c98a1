"""Pose estimation against GluonCV: same weights, same heat maps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import mxnet as mx
import numpy as np
import pytest

from toolkit import deploy
from toolkit.model_zoo import get_model, list_models, model_info

pytestmark = pytest.mark.parity

SAMPLE = (
    "alpha_pose_resnet101_v1b_coco",
    "mobile_pose_mobilenet1.0",
    "mobile_pose_mobilenetv2_1.0",
    "mobile_pose_mobilenetv3_small",
    "mobile_pose_resnet18_v1b",
    "simple_pose_resnet18_v1b",
    "simple_pose_resnet50_v1d",
)
MODELS = [n for n in list_models(task="pose_estimator") if model_info(n).precision == "fp32"]
PARAMS = [name if name in SAMPLE else pytest.param(name, marks=pytest.mark.slow) for name in MODELS]
SIZE = (128, 96)
TOLERANCE = 2e-5  # of the highest value


@pytest.mark.parametrize("name", PARAMS)
def test_heat_maps_are_equal(
    name: str,
    gluoncv: ModuleType,
    randomize: Callable[..., None],
    record: Callable[..., None],
    tmp_path: Path,
    relative: Callable[..., float],
) -> None:
    options = {"pretrained": False, "pretrained_base": False}
    upstream = gluoncv.model_zoo.get_model(name, **options)
    upstream.initialize(force_reinit=True)
    x = mx.nd.array(np.random.default_rng(0).normal(size=(2, 3, *SIZE)))
    upstream(x)  # upstream learns its shapes from the first input
    randomize(upstream, x, {r"final_layer|upsampling\.4|conv_out": 1.0})
    expected = upstream(x).asnumpy()
    mx.nd.waitall()
    upstream.save_parameters(str(tmp_path / "upstream.params"))
    ours = get_model(name, tmp_path / "upstream.params")
    theirs = set(upstream._collect_params_with_prefix())
    keys = ours._collect_params_with_prefix()
    assert any({t.to_foreign(key) for key in keys} == theirs for t in model_info(name).renames)
    values = {"eager": relative(ours(x).asnumpy(), expected)}
    ours.hybridize()
    values["hybridized"] = relative(ours(x).asnumpy(), expected)
    ours.hybridize(False)
    manifest = deploy.export(ours, tmp_path / "exported", x)
    values["exported"] = relative(deploy.load(manifest)(x.asnumpy())[0], expected)
    record("pose estimators", name, **values)
    assert max(values.values()) < TOLERANCE, values
