from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.deploy import export_onnx, load
from toolkit.deploy.manifest import TensorSpec

pytest.importorskip("openvino")


@pytest.fixture(scope="module")
def path(classifier: HybridBlock, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnx")
    return export_onnx(classifier, tmp_path_factory.mktemp("openvino") / "net")


def test_it_answers_as_the_network(classifier: HybridBlock, path: Path) -> None:
    runner = load(path, backend="openvino")
    assert runner.backend == "openvino"
    for batch in (1, 5, 2):
        data = np.random.default_rng(batch).normal(size=(batch, 3, 32, 32)).astype(np.float32)
        wanted = classifier(mx.nd.array(data)).asnumpy()
        np.testing.assert_allclose(runner(data)[0], wanted, atol=1e-4)


def test_bfloat16_is_near(classifier: HybridBlock, path: Path) -> None:
    data = np.random.default_rng(0).normal(size=(2, 3, 32, 32)).astype(np.float32)
    wanted = classifier(mx.nd.array(data)).asnumpy()
    (found,) = load(path, backend="openvino", precision="bf16")(data)
    np.testing.assert_allclose(found, wanted, atol=0.05 * np.abs(wanted).max())


def test_a_warm_shape_has_a_model_of_its_own(classifier: HybridBlock, path: Path) -> None:
    runner = load(path, backend="openvino")
    runner.warmup(2)
    (model,) = runner._fixed.values()
    assert model.inputs[0].get_shape() == [2, 3, 32, 32]
    for batch in (2, 3, 2):
        data = np.random.default_rng(batch).normal(size=(batch, 3, 32, 32)).astype(np.float32)
        wanted = classifier(mx.nd.array(data)).asnumpy()
        np.testing.assert_allclose(runner(data)[0], wanted, atol=1e-4)


def test_results_stay_after_the_next_call(path: Path) -> None:
    runner = load(path, backend="openvino")
    zeros, ones = np.zeros((1, 3, 32, 32)), np.ones((1, 3, 32, 32))
    first = runner(zeros)[0]
    before = first.copy()
    runner(ones)
    np.testing.assert_array_equal(first, before)


def test_threads_share_one(path: Path) -> None:
    runner = load(path, backend="openvino", threads=1)
    data = [np.full((1 + i % 3, 3, 32, 32), i / 10, np.float32) for i in range(12)]
    wanted = [runner(x)[0] for x in data]
    with ThreadPoolExecutor(8) as pool:
        for x, y in zip(pool.map(lambda a: runner(a)[0], data * 4), wanted * 4, strict=True):
            np.testing.assert_allclose(x, y, atol=1e-5)


def test_a_file_without_a_manifest_is_described(onnx_file: Path) -> None:
    manifest = load(onnx_file, backend="openvino").manifest
    assert manifest.inputs == (TensorSpec("data", (None, 3, 4, 4)),)


def test_what_it_cannot_do_is_said(path: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not in int8"):
        load(path, backend="openvino", precision="int8")
    with pytest.raises(ValueError, match="context of MXNet"):
        load(path, backend="openvino", ctx=mx.cpu())
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    with pytest.raises(ValueError, match=r"bad\.onnx is no network"):
        load(tmp_path / "bad.onnx", backend="openvino")
    with pytest.raises(ValueError, match="exported for"):
        load(path, backend="openvino")(np.zeros((1, 4, 32, 32)))
