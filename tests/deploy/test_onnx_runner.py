from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from toolkit.deploy import load
from toolkit.deploy.manifest import Manifest, TensorSpec

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def test_a_model_without_a_manifest(onnx_file: Path) -> None:
    runner = load(onnx_file)
    x = np.random.default_rng(0).random((5, 3, 4, 4), np.float32)
    assert np.allclose(runner(x)[0], x.mean(axis=(2, 3)), atol=1e-6)
    assert runner.backend == "onnxruntime"
    assert runner.manifest == Manifest(
        "mean", (TensorSpec("data", (None, 3, 4, 4)),), (TensorSpec("scores", (None, 3)),)
    )


def test_the_prefix_will_do(onnx_file: Path) -> None:
    assert load(onnx_file.with_suffix("")).backend == "onnxruntime"


def test_the_file_says_what_goes_in_and_the_manifest_what_it_means(onnx_file: Path) -> None:
    other = (TensorSpec("x", (1, 9)),)
    manifest = Manifest("cats", other, other, "image_classifier", labels=("a", "b", "c"))
    path = onnx_file.with_name("mean-manifest.json")
    path.write_text(manifest.with_files({".onnx": onnx_file}).to_json())
    found = load(path).manifest
    assert (found.name, found.labels) == ("cats", ("a", "b", "c"))
    assert [spec.name for spec in found.inputs] == ["data"]


def test_types_are_numpys(tmp_path: Path) -> None:
    ids = onnx.helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, [2])
    out = onnx.helper.make_tensor_value_info("out", onnx.TensorProto.DOUBLE, [2])
    node = onnx.helper.make_node("Cast", ["ids"], ["out"], to=onnx.TensorProto.DOUBLE)
    graph = onnx.helper.make_graph([node], "cast", [ids], [out])
    opsets = [onnx.helper.make_opsetid("", 13)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.save(model, str(tmp_path / "cast.onnx"))
    runner = load(tmp_path / "cast.onnx")
    assert runner.manifest.inputs == (TensorSpec("ids", (2,), "int64"),)
    assert runner.manifest.outputs == (TensorSpec("out", (2,), "float64"),)
    assert runner([3, 4])[0].dtype == np.float64


def test_arrays_that_do_not_fit_are_told(onnx_file: Path) -> None:
    message = r"mean failed on data \(5, 2, 4, 4\); it was exported for data \(any, 3, 4, 4\)"
    with pytest.raises(ValueError, match=message):
        load(onnx_file)(np.zeros((5, 2, 4, 4)))


@pytest.mark.parametrize("content", [b"", b"no model"])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(ValueError, match=r"net\.onnx is no network that ONNX Runtime runs"):
        load(tmp_path / "net.onnx")


def test_a_context_of_mxnet_is_refused(onnx_file: Path) -> None:
    with pytest.raises(ValueError, match="context of MXNet"):
        load(onnx_file, ctx="cpu(0)")


def test_only_the_files_own_precision(onnx_file: Path) -> None:
    with pytest.raises(ValueError, match="fp32 only"):
        load(onnx_file, precision="bf16")


def test_threads_are_handed_on(onnx_file: Path) -> None:
    runner = load(onnx_file, threads=3)
    assert runner.session.get_session_options().intra_op_num_threads == 3
