from __future__ import annotations

from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_model, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.vision.resnet import VARIANTS

PRUNED = [name for name, config in VARIANTS.items() if config.pruned]


@pytest.mark.parametrize("name", PRUNED)
def test_rows_are_as_deep_as_the_networks_they_prune(name: str) -> None:
    config = VARIANTS[name]
    pruned = config.pruned
    assert tuple(len(units) for units in pruned.inner) == config.depths
    convolutions = {len(unit) for units in pruned.inner for unit in units}
    assert convolutions == {1 if config.expansion == 1 else 2}
    assert len(pruned.stem) == (3 if config.stem_width else 1)


@pytest.mark.parametrize("name", PRUNED)
def test_no_layer_is_wider_than_before(name: str) -> None:
    whole = BACKBONES.create(name.rpartition("_")[0])
    net = BACKBONES.create(name)
    before = {k: p.shape for k, p in whole._collect_params_with_prefix().items()}
    after = {k: p.shape for k, p in net._collect_params_with_prefix().items()}
    assert set(after) - set(before) == set()
    assert all(a <= b for k in after for a, b in zip(after[k], before[k], strict=True))
    assert sum(map(np.prod, after.values())) < sum(map(np.prod, before.values()))


def published_names(depths: tuple[int, ...], convolutions: int, stem: int) -> dict[str, str]:
    """Our places of the layers, by the published names of their convolutions."""
    last = "backbone.stem.2" if stem == 3 else "backbone.stem"
    names = {f"conv{i}": f"backbone.stem.{i}.conv" for i in range(stem - 1)}
    names[f"conv{stem - 1}"] = last
    for stage, depth in enumerate(depths):
        for i in range(depth * convolutions):
            unit, conv = divmod(i, convolutions)
            names[f"layers{stage + 1}_conv{i}"] = f"backbone.stages.{stage}.{unit}.body.{conv}.conv"
    return names


@pytest.mark.parametrize("name", ["resnet18_v1b_0.89", "resnet50_v1d_0.11"])
def test_published_files_load_by_their_own_names(name: str, tmp_path: Path) -> None:
    """The files name layers by stage and count, in whatever order."""
    net = get_model(name)
    net.initialize(mx.init.Normal(1))
    params = net._collect_params_with_prefix()
    (table,) = (
        t
        for t in model_info(name).renames
        if t.name.startswith("gluoncv_pruned") and all(t.to_foreign(k) for k in params)
    )
    arrays = {str(table.to_foreign(k)): p.data() for k, p in params.items()}
    config = VARIANTS[name]
    inner = 2 if config.expansion == 1 else 3
    stem = 3 if config.stem_width else 1
    for theirs, ours in published_names(config.depths, inner, stem).items():
        assert arrays[f"resnetv1d_{theirs}_weight"].shape == params[f"{ours}.weight"].shape
        assert table.to_ours(f"resnetv1d_{theirs}_weight") == f"{ours}.weight"
    path = tmp_path / "published.params"
    mx.nd.save(str(path), dict(reversed(arrays.items())))
    again = get_model(name, path)._collect_params_with_prefix()
    assert all((again[k].data() == p.data()).asnumpy().all() for k, p in params.items())


def test_files_keep_the_names_they_were_published_under() -> None:
    assert model_info("resnet50_v1d_0.48").entry().file == "resnet50_v1d_3.6x-0d3e69bb.params"
