"""Weights of torchvision and timm: what their networks give, ours give from the same file.

``golden/pytorch.py`` wrote down what those libraries compute; weights follow from key and shape.
"""

from __future__ import annotations

import gzip
import json
import runpy
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_model, model_info

GOLDEN = Path(__file__).parent / "golden"
MAKER = runpy.run_path(str(GOLDEN / "pytorch.py"))
EXPECTED: dict[str, dict[str, Any]] = json.loads((GOLDEN / "pytorch.json").read_text("utf-8"))
KEYS: dict[str, dict[str, list[int]]] = json.loads(
    gzip.decompress((GOLDEN / "pytorch_keys.json.gz").read_bytes())
)
QUICK = {
    "torchvision/resnet18",
    "torchvision/densenet121",
    "torchvision/mobilenet_v2",
    "torchvision/mobilenet_v3_small",
    "torchvision/squeezenet1_1",
    "torchvision/googlenet",
    "timm/mobilenetv3_small_100",
    "timm/resnest14d",
}
QUICK_FIRST = [pytest.param(n, marks=() if n in QUICK else (pytest.mark.slow,)) for n in EXPECTED]


def file_of(name: str, folder: Path) -> Path:
    """A file with the keys of the library's network."""
    arrays = {
        key: np.zeros(shape, "int64")
        if key.endswith("num_batches_tracked")
        else MAKER["array_of"](key, tuple(shape))
        for key, shape in KEYS[name].items()
    }
    path = folder / "weights.npz"
    np.savez(path, **arrays)
    return path


def test_what_is_compared_is_there() -> None:
    assert MAKER["NETWORKS"].keys() == EXPECTED.keys() == KEYS.keys() >= QUICK
    assert len(EXPECTED) >= 50


@pytest.mark.parametrize("name", QUICK_FIRST)
def test_the_same_weights_give_the_same_scores(name: str, tmp_path: Path) -> None:
    golden = EXPECTED[name]
    net = get_model(golden["ours"], file_of(name, tmp_path))
    scores = net(mx.nd.array(MAKER["images_for"](golden["side"]))).asnumpy()
    expected = np.asarray(golden["scores"])
    assert golden["deviation"] > 1e-4 * golden["largest"]  # the scores tell something
    tolerance = 2e-5 * golden["largest"]
    np.testing.assert_allclose(scores[:, : expected.shape[1]], expected, rtol=0, atol=tolerance)
    assert scores.std() == pytest.approx(golden["deviation"], rel=1e-3)


@pytest.mark.parametrize("name", QUICK_FIRST)
def test_a_table_reads_the_keys_in_both_directions(name: str) -> None:
    keys = [k for k in KEYS[name] if not k.endswith("num_batches_tracked")]
    fitting = []
    for table in model_info(EXPECTED[name]["ours"]).renames:
        kept = [key for key in keys if not table.ignores(key)]
        renamed = [table.to_ours(key) for key in kept]
        if [table.to_foreign(str(key)) for key in renamed] == kept:
            net = get_model(EXPECTED[name]["ours"], **(table.options or {}))
            fitting += [table] * (set(renamed) == set(net._collect_params_with_prefix()))
    assert len(fitting) == 1
    assert fitting[0].name.startswith(("torchvision", "timm"))
