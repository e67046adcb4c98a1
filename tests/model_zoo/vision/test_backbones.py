"""Every registered variant and every published model: the small ones by default."""

from __future__ import annotations

import re
import warnings
from functools import partial
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock, SymbolBlock

from toolkit.model_zoo import get_arrays, get_model, list_models, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.utils.testing import assert_is_backbone

SMALL = {
    "cifar_resnet20_v1",
    "cifar_resnet20_v2",
    "dla34",
    "fast_scnn",
    "hrnet_w18_small_v1_c",
    "mobilenet0.25",
    "mobilenetv2_0.25",
    "mobilenetv3_small",
    "resnest14",
    "resnet18_v1",
    "resnet18_v1b",
    "resnet18_v2",
    "resnet50_v1d",
    "se_resnet18_v1",
    "se_resnet18_v2",
    "shufflenet_v1",
    "shufflenet_v2",
    "squeezenet1.0",
    "squeezenet1.1",
}
MODELS = list_models(task="image_classifier", domain="vision")
VARIANTS = sorted({model_info(name).backbone for name in list_models(domain="vision")})
UNFUSED = re.compile("nasnet")  # MXNet refuses to fuse its graph; `deploy` then runs it as it is
SIDES = {"inceptionv3": 96}  # of the images, where 64 pixels are too few


def images(name: str) -> np.ndarray:
    """One image, of the smallest usual size."""
    side = SIDES.get(model_info(name).backbone, 64)
    return np.random.default_rng(1).normal(size=(1, 3, side, side)).astype("float32")


def small_first(names: list[str]) -> list[object]:
    """The names, those that are not small marked slow."""
    return [pytest.param(n, marks=() if n in SMALL else (pytest.mark.slow,)) for n in names]


def test_the_small_ones_exist() -> None:
    assert set(VARIANTS) >= SMALL
    assert set(MODELS) >= SMALL - {"fast_scnn"}  # for segmentation alone
    assert len(MODELS) >= 55


def test_every_variant_serves_a_published_model() -> None:
    assert set(BACKBONES.names()) - {model_info(name).backbone for name in list_models()} == set()


@pytest.mark.parametrize("name", small_first(VARIANTS))
def test_it_is_a_backbone(name: str) -> None:
    side = SIDES.get(name, 64)
    assert_is_backbone(partial(BACKBONES.create, name), (1, 3, side, side))


def build(name: str) -> HybridBlock:
    """A model whose normalizations do something too."""
    net, rng = get_model(name), np.random.default_rng(0)
    mx.random.seed(0)
    # Sums of hundreds of units grow until a gate on them is a step: no rounding is small then.
    net.initialize(mx.init.Xavier(magnitude=0.75 if "residualattention" in name else 3))
    for key, param in net._collect_params_with_prefix().items():
        if key.endswith(("gamma", "running_var")):
            param.set_data(mx.nd.array(rng.uniform(0.5, 1, param.shape)))
        elif not key.endswith("weight"):
            param.set_data(mx.nd.array(rng.normal(0, 0.1, param.shape)))
    return net


@pytest.mark.parametrize("name", small_first(MODELS))
def test_it_classifies_the_same_in_every_form(name: str, tmp_path: Path) -> None:
    net, x = build(name), mx.nd.array(images(name))
    eager = net(x).asnumpy()
    assert eager.shape == (1, model_info(name).classes)
    assert eager.std() > 0
    tolerance = 1e-5 * np.abs(eager).max()
    net.hybridize()
    np.testing.assert_allclose(net(x).asnumpy(), eager, rtol=0, atol=tolerance)
    path = str(tmp_path / "net")
    mx.nd.waitall()  # or the file may get weights in the middle of a change of layout
    net.export(path)
    symbol = mx.sym.load(f"{path}-symbol.json")
    exported = SymbolBlock(symbol, mx.sym.var("data", dtype="float32"))
    exported.collect_params().load(f"{path}-0000.params")
    np.testing.assert_allclose(exported(x).asnumpy(), eager, rtol=0, atol=tolerance)
    again = get_model(name, f"{path}-0000.params")
    np.testing.assert_array_equal(again(x).asnumpy(), eager)
    if mx.runtime.Features().is_enabled("MKLDNN") and not UNFUSED.match(name):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of parameters that the fused graph has taken in
            exported.optimize_for(x, backend="MKLDNN")
        np.testing.assert_allclose(exported(x).asnumpy(), eager, rtol=0, atol=tolerance)


def to_bfloat16(values: np.ndarray) -> np.ndarray:
    """The nearest numbers that bfloat16 has, as float32."""
    bits = np.ascontiguousarray(values, "float32").view("uint32")
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype("uint32").view("float32")


def test_numbers_are_rounded_to_the_nearest_even() -> None:
    values = np.array([1, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-7, -3.14159], "float32")
    expected = np.array([1, 1, 1 + 2**-6, 1 + 2**-7, -3.140625], "float32")
    np.testing.assert_array_equal(to_bfloat16(values), expected)


@pytest.mark.parametrize("name", small_first(MODELS))
def test_weights_and_pictures_may_be_kept_in_bfloat16(name: str) -> None:
    """Computed in float32: what the eight bits of the numbers alone cost, on any CPU."""
    net, x = build(name), images(name)
    expected = net(mx.nd.array(x)).asnumpy()
    params = net._collect_params_with_prefix()
    for key, values in get_arrays(net).items():
        params[key].set_data(mx.nd.array(to_bfloat16(values)))
    found = net(mx.nd.array(to_bfloat16(x))).asnumpy()
    assert 0 < np.abs(found - expected).max() <= 2e-2 * np.abs(expected).max()


@pytest.mark.parametrize("name", small_first(MODELS))
def test_parameter_names_are_the_same_in_every_build(name: str) -> None:
    first, second = (list(get_model(name).collect_params()) for _ in range(2))
    assert first == second
    assert all(param.startswith(f"{name}_") for param in first)


@pytest.mark.parametrize("name", small_first(MODELS))
def test_parameters_are_made_in_the_order_in_which_they_are_held(name: str) -> None:
    """Files whose names were numbered by a counter are matched by it."""
    counters: dict[str, list[int]] = {}
    for param in get_model(name)._collect_params_with_prefix().values():
        found = re.fullmatch(r"(.+?)(\d+)_([a-z_]+)", param.name.removeprefix(name))
        assert found is not None
        counters.setdefault(found[1] + found[3], []).append(int(found[2]))
    assert all(numbers == sorted(numbers) for numbers in counters.values())


@pytest.mark.parametrize("name", small_first(MODELS))
def test_a_rename_table_covers_every_parameter_in_both_directions(name: str) -> None:
    ours = list(get_model(name)._collect_params_with_prefix())
    complete = 0
    for table in model_info(name).renames:
        foreign = [table.to_foreign(key) for key in ours]
        if None not in foreign:
            assert [table.to_ours(str(key)) for key in foreign] == ours
            assert len(set(foreign)) == len(ours)
            complete += 1
    assert complete >= 1
