from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.deploy import Manifest, ManifestError, export, export_onnx, load, loader
from toolkit.deploy.loader import Backend, exists
from toolkit.utils.checkpoints import write_params
from toolkit.utils.files import HashMismatchError

SUFFIXES = ("-symbol.json", "-0000.params", "-manifest.json")
X = np.random.default_rng(0).random((2, 3, 32, 32), np.float32)


@pytest.fixture
def copy(exported: Path, tmp_path: Path) -> Path:
    """The prefix of a copy of the exported classifier, under another name."""
    for suffix in SUFFIXES:
        shutil.copy(f"{exported}{suffix}", f"{tmp_path}/other.v1{suffix}")
    return tmp_path / "other.v1"


@pytest.mark.parametrize("suffix", ["", *SUFFIXES])
def test_any_of_the_files_will_do(copy: Path, exported: Path, suffix: str) -> None:
    assert exists(f"{copy}{suffix}")
    assert np.array_equal(load(f"{copy}{suffix}")(X)[0], load(exported)(X)[0])


@pytest.mark.parametrize("suffix", SUFFIXES[:2])
def test_a_changed_file_is_refused(copy: Path, suffix: str) -> None:
    path = Path(f"{copy}{suffix}")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(HashMismatchError, match=rf"other\.v1{suffix} is not the file"):
        load(copy)


@pytest.mark.parametrize("suffix", SUFFIXES[:2])
def test_a_missing_file_is_named(copy: Path, suffix: str) -> None:
    Path(f"{copy}{suffix}").unlink()
    with pytest.raises(FileNotFoundError, match=rf"other\.v1{suffix} is missing"):
        load(copy)


def test_the_graph_of_another_network_is_refused(
    copy: Path, features: HybridBlock, tmp_path: Path
) -> None:
    export(features, tmp_path / "features", np.zeros((1, 3, 8, 8), np.float32))
    shutil.copy(tmp_path / "features-symbol.json", f"{copy}-symbol.json")
    with pytest.raises(HashMismatchError, match=r"other\.v1-symbol\.json is not the file"):
        load(copy)
    Path(f"{copy}-manifest.json").unlink()
    with pytest.raises(ValueError, match=r"0000\.params has no value for conv\.weight, conv\.bias"):
        load(copy)


def test_parameters_of_other_shapes_are_refused(copy: Path) -> None:
    Path(f"{copy}-manifest.json").unlink()
    path = Path(f"{copy}-0000.params")
    arrays = {key: array.asnumpy() for key, array in mx.nd.load(str(path)).items()}
    arrays["arg:head.output.weight"] = arrays["arg:head.output.weight"][:4]
    write_params(path, arrays)
    with pytest.raises(ValueError, match=r"failed on data \(2, 3, 32, 32\)"):
        load(copy)(X)


@pytest.mark.parametrize("version", [10400, 20000])
def test_a_graph_of_another_version_of_mxnet_answers_the_same(
    copy: Path, exported: Path, version: int
) -> None:
    path = Path(f"{copy}-symbol.json")
    document = json.loads(path.read_text())
    document["attrs"]["mxnet_version"] = ["int", version]
    path.write_text(json.dumps(document))
    Path(f"{copy}-manifest.json").unlink()
    np.testing.assert_array_equal(load(copy)(X)[0], load(exported)(X)[0])


def test_a_broken_manifest_is_refused(copy: Path) -> None:
    Path(f"{copy}-manifest.json").write_text("{}")
    with pytest.raises(ManifestError, match=r"other\.v1-manifest.json: not a manifest"):
        load(copy)


def test_nothing_there_tells_what_was_looked_for(tmp_path: Path) -> None:
    assert not exists(tmp_path / "net")
    with pytest.raises(FileNotFoundError, match=r"looked for .*net-symbol\.json, .*net\.onnx"):
        load(tmp_path / "net")
    with pytest.raises(FileNotFoundError, match=r"looked for .*net\.onnx$"):
        load(tmp_path / "net.onnx")


def test_an_unknown_backend_is_told(copy: Path) -> None:
    with pytest.raises(ValueError, match="unknown backend 'mxnt'; did you mean mxnet"):
        load(copy, backend="mxnt")


def test_a_backend_without_its_file_is_told(copy: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"looked for .*other\.v1\.onnx$"):
        load(copy, backend="onnxruntime")


def test_exports_of_gluon_need_no_manifest(classifier: HybridBlock, tmp_path: Path) -> None:
    classifier.hybridize()
    wanted = classifier(mx.nd.array(X)).asnumpy()
    classifier.export(str(tmp_path / "net"), epoch=3)
    classifier.hybridize(False)
    runner = load(tmp_path / "net")
    np.testing.assert_allclose(runner(X)[0], wanted, 1e-5, 1e-5)
    assert [spec.name for spec in runner.manifest.inputs] == ["data"]
    assert runner.manifest.preprocess is None


def test_the_last_epoch_is_taken_or_the_named_one(tmp_path: Path) -> None:
    data = mx.sym.broadcast_mul(mx.sym.var("data"), mx.sym.var("scale"))
    for epoch in (1, 2, 10):
        mx.model.save_checkpoint(
            str(tmp_path / "net"), epoch, data, {"scale": mx.nd.full((1,), epoch)}, {}
        )
    assert load(tmp_path / "net")(np.ones(3))[0].tolist() == [10] * 3
    assert load(tmp_path / "net-0002.params")(np.ones(3))[0].tolist() == [2] * 3
    assert load(tmp_path / "net", params=tmp_path / "net-0001.params")(np.ones(3))[0][0] == 1


def test_parameters_that_are_nowhere_are_told(copy: Path) -> None:
    for suffix in SUFFIXES[1:]:
        Path(f"{copy}{suffix}").unlink()
    with pytest.raises(FileNotFoundError, match=r"other\.v1-0000\.params and the like"):
        load(copy)


def test_files_of_any_name(copy: Path, exported: Path) -> None:
    graph = Path(f"{copy}-symbol.json").rename(copy.with_name("graph.json"))
    params = Path(f"{copy}-0000.params").rename(copy.with_name("values.params"))
    assert np.array_equal(load(graph, params=params)(X)[0], load(exported)(X)[0])
    with pytest.raises(FileNotFoundError, match="params= takes another name"):
        load(graph)


def test_other_parameters_for_the_same_graph(copy: Path, tmp_path: Path) -> None:
    """They were not there when the manifest was written: only the graph is compared with it."""
    other = load(copy)
    for param in other.block.collect_params().values():
        param.set_data(param.data() * 0)
    export(other.block, tmp_path / "zero", X)
    assert not load(copy, params=tmp_path / "zero-0000.params")(X)[0].any()


def test_an_installed_backend_goes_before_one_that_is_not(
    onnx_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = Backend("absent", ".onnx", "toolkit.deploy.absent", "no_such_package", "buy it")
    monkeypatch.setattr(loader, "BACKENDS", (absent, *loader.BACKENDS))
    assert load(onnx_file).backend == "onnxruntime"


def test_a_backend_that_is_not_installed_tells_how_to(
    onnx_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needs_more.py").write_text("import no_such_package")
    monkeypatch.syspath_prepend(tmp_path)
    absent = Backend("absent", ".onnx", "needs_more", "no_such_package", "pip install it")
    monkeypatch.setattr(loader, "BACKENDS", (absent,))
    with pytest.raises(ModuleNotFoundError, match=r"absent runs this network.*: pip install it"):
        load(onnx_file)


WITHOUT_MXNET = """if True:
    import json, sys
    class WithoutMXNet:
        def __init__(self, finder):
            self.finder = finder
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] != "mxnet":
                return self.finder.find_spec(name, path, target)
    sys.meta_path[:] = map(WithoutMXNet, sys.meta_path)
    import numpy as np
    from toolkit.deploy import ClassPrediction, Manifest, Predictor, Runner, load
    runner = load(sys.argv[1])
    scores = runner(np.ones((2, 3, 4, 4)))[0].tolist()
    predictor = Predictor(sys.argv[1])
    picture = np.zeros((9, 7, 3), np.uint8)
    picture[..., 1] = 200
    many = predictor([picture] * 40, top=1)
    assert isinstance(many[0][0], ClassPrediction)
    failed = {}
    for name in ("cifar_resnet20_v1", sys.argv[2]):
        try:
            Predictor(name)
        except ModuleNotFoundError as error:
            failed[name] = str(error)
    print(json.dumps({
        "scores": scores, "count": len(many), "labels": sorted({p.label for [p] in many}),
        "mxnet": "mxnet" in sys.modules, "failed": list(failed.values())
    }))
"""


def test_onnx_runs_where_there_is_no_mxnet(
    onnx_file: Path, exported: Path, run_python: Callable[..., dict]
) -> None:
    manifest = load(onnx_file).manifest
    values = load(exported).manifest
    preprocess = {**values.preprocess, "size": [4, 4], "resize": 4}
    manifest = Manifest(
        "mean", manifest.inputs, manifest.outputs, "image_classifier", preprocess, ("r", "g", "b")
    ).with_files({".onnx": onnx_file})
    onnx_file.with_name("mean-manifest.json").write_text(manifest.to_json())
    found = run_python(WITHOUT_MXNET, onnx_file, exported)
    assert found["scores"] == [[1, 1, 1]] * 2
    assert (found["count"], found["labels"], found["mxnet"]) == (40, ["g"], False)
    assert len(found["failed"]) == 2
    assert all("MXNet" in message for message in found["failed"])


REAL = [
    ("gluoncv_cifar/cifar_resnet20_v1", None, (2, 3, 32, 32), [(2, 10)]),
    ("miraclewkf_lenet/LeNet", None, (2, 1, 28, 28), [(2, 10)]),
    ("mnist_lenet_2015/mnist-lenet-0", None, (2, 1, 28, 28), [(2, 10)]),
    ("sagemaker_mnist/model", None, (2, 784), [(2, 10)]),
    ("sagemaker_mnist/model.onnx", None, (1, 1, 28, 28), [(1, 10)]),
    (
        "lffd/symbol_64_512_16L_3scales_v1_small_deploy.json",
        "lffd/train_64_512_16L_3scales_v1_small_iter_1000000.params",
        (1, 3, 128, 128),
        [(1, c, n, n) for n in (7, 3, 1) for c in (1, 4)],
    ),
]


@pytest.mark.realdata
@pytest.mark.parametrize(("path", "params", "shape", "outputs"), REAL, ids=[r[0] for r in REAL])
def test_networks_of_others(
    data_root: Path, path: str, params: str | None, shape: tuple, outputs: list
) -> None:
    if path.endswith(".onnx"):
        pytest.importorskip("onnxruntime")
    folder = data_root / "weights_mxnet"
    runner = load(folder / path, params=params and folder / params)
    x = np.random.default_rng(0).random(shape, np.float32)
    assert [spec.name for spec in runner.manifest.inputs] == ["data"]
    found = runner(x)
    assert [array.shape for array in found] == outputs
    if runner.backend == "mxnet":
        plain = runner.block(mx.nd.array(x))
        mx.nd.waitall()
        for ours, wanted in zip(found, plain if isinstance(plain, list) else [plain], strict=True):
            np.testing.assert_allclose(ours, wanted.asnumpy(), 1e-4, 1e-5)


def test_precisions_are_checked(exported: Path) -> None:
    assert load(exported, precision="fp32").manifest.precision == "fp32"
    with pytest.raises(ValueError, match=r"int9.*int8"):
        load(exported, precision="int9")
    with pytest.raises(ValueError, match=r"fp32, not int8.*quantize"):
        load(exported, precision="int8")
    with pytest.raises(ValueError, match="threads must be at least 1"):
        load(exported, threads=0)


def test_the_fastest_of_the_present_backends_is_found(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx")
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path / "home"))
    assert load(exported, backend="auto").backend == "mxnet"
    assert not (tmp_path / "home").exists()
    for path in exported.parent.glob(f"{exported.name}-*"):
        shutil.copy(path, tmp_path)
    export_onnx(tmp_path / exported.name, tmp_path / exported.name)
    runner = load(tmp_path / exported.name, backend="auto", batch=2)
    assert list((tmp_path / "home" / "trials").iterdir())
    assert load(tmp_path / exported.name, backend="auto", batch=2).backend == runner.backend
    with pytest.raises(FileNotFoundError, match="no exported network"):
        load(tmp_path / "nothing", backend="auto")
