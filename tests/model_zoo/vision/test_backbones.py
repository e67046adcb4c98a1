"""Every registered variant and every published model: the small ones by default."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock, SymbolBlock

from toolkit.model_zoo import get_model, list_models, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.utils.testing import assert_is_backbone

SMALL = {
    "cifar_resnet20_v1",
    "cifar_resnet20_v2",
    "mobilenet0.25",
    "mobilenetv2_0.25",
    "resnet18_v1",
    "resnet18_v1b",
    "resnet18_v2",
    "resnet50_v1d",
    "se_resnet18_v1",
    "se_resnet18_v2",
    "squeezenet1.0",
    "squeezenet1.1",
}
MODELS = list_models(task="image_classifier", domain="vision")
X = np.random.default_rng(1).normal(size=(1, 3, 64, 64)).astype("float32")


def small_first(names: list[str]) -> list[object]:
    """The names, those that are not small marked slow."""
    return [pytest.param(n, marks=() if n in SMALL else (pytest.mark.slow,)) for n in names]


def test_the_small_ones_exist() -> None:
    assert set(BACKBONES.names()) >= SMALL
    assert set(MODELS) >= SMALL
    assert len(MODELS) >= 55


def test_every_variant_is_published_under_its_name() -> None:
    assert set(BACKBONES.names()) == {model_info(name).backbone for name in MODELS}


@pytest.mark.parametrize("name", small_first(BACKBONES.names()))
def test_it_is_a_backbone(name: str) -> None:
    assert_is_backbone(partial(BACKBONES.create, name))


def build(name: str) -> HybridBlock:
    net = get_model(name)
    mx.random.seed(0)
    net.initialize(mx.init.Xavier())
    return net


@pytest.mark.parametrize("name", small_first(MODELS))
def test_it_classifies_eager_hybridized_exported_and_reloaded(name: str, tmp_path: Path) -> None:
    net, x = build(name), mx.nd.array(X)
    eager = net(x).asnumpy()
    assert eager.shape == (1, model_info(name).classes)
    assert eager.std() > 0
    tolerance = 1e-5 * np.abs(eager).max()
    net.hybridize()
    np.testing.assert_allclose(net(x).asnumpy(), eager, rtol=0, atol=tolerance)
    path = str(tmp_path / "net")
    net.export(path)
    symbol = mx.sym.load(f"{path}-symbol.json")
    exported = SymbolBlock(symbol, mx.sym.var("data", dtype="float32"))
    exported.collect_params().load(f"{path}-0000.params")
    np.testing.assert_allclose(exported(x).asnumpy(), eager, rtol=0, atol=tolerance)
    again = get_model(name, f"{path}-0000.params")
    np.testing.assert_array_equal(again(x).asnumpy(), eager)


@pytest.mark.parametrize("name", small_first(MODELS))
def test_parameter_names_are_the_same_in_every_build(name: str) -> None:
    first, second = (list(get_model(name).collect_params()) for _ in range(2))
    assert first == second
    assert all(param.startswith(f"{name}_") for param in first)


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
