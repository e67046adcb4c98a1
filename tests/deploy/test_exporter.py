from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
from collections.abc import Callable
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet.base import _LIB, check_call
from mxnet.gluon import HybridBlock, SymbolBlock
from mxnet.gluon.nn import Dense, HybridSequential

from toolkit.deploy import ExportError, export, load
from toolkit.model_zoo import get_model
from toolkit.utils.checkpoints import read_arrays

SUFFIXES = ("-symbol.json", "-0000.params", "-manifest.json")


def contents(prefix: Path) -> dict[str, bytes]:
    return {s: prefix.with_name(prefix.name + s).read_bytes() for s in SUFFIXES}


def dense(units: int = 2, value: float = 0.5) -> HybridSequential:
    net = HybridSequential()
    net.add(Dense(4, activation="relu", in_units=3), Dense(units, in_units=4))
    net.initialize(mx.init.Constant(value))
    return net


def test_three_files_and_nothing_else(classifier: HybridBlock, tmp_path: Path) -> None:
    manifest = export(classifier, tmp_path / "new" / "folder" / "net")
    assert manifest == tmp_path / "new" / "folder" / "net-manifest.json"
    assert sorted(p.name for p in manifest.parent.iterdir()) == sorted("net" + s for s in SUFFIXES)


def test_exporting_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    x = np.zeros((1, 3))
    export(dense(), tmp_path / "a", x)
    Dense(1)  # moves the counters that Gluon names by
    again = dense()
    again.hybridize()
    again(mx.nd.ones((7, 3)))
    export(again, tmp_path / "b", np.ones((4, 3)))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_another_process_gives_the_same_bytes(
    exported: Path, tmp_path: Path, run_python: Callable[..., dict]
) -> None:
    code = """if True:
        import json, sys
        from toolkit.deploy import export
        from toolkit.model_zoo import get_model
        import mxnet as mx
        mx.gluon.nn.Dense(1)
        get_model("cifar_resnet20_v2")
        net = get_model("cifar_resnet20_v1", pretrained=sys.argv[1])
        net.hybridize()
        net(mx.nd.zeros((3, 3, 32, 32)))
        print(json.dumps(str(export(net, sys.argv[2]))))
    """
    run_python(code, f"{exported}-0000.params", tmp_path / "net")
    assert contents(tmp_path / "net") == contents(exported)


def test_values_are_found_by_name(exported: Path, classifier: HybridBlock) -> None:
    """The file of an export is a file of weights, too."""
    arrays = read_arrays(f"{exported}-0000.params")
    net = get_model("cifar_resnet20_v1", pretrained=f"{exported}-0000.params")
    x = mx.nd.random.uniform(shape=(2, 3, 32, 32))
    assert np.array_equal(net(x).asnumpy(), classifier(x).asnumpy())
    names = {key.split(":")[1] for key in arrays}
    assert names == set(classifier._collect_params_with_prefix())


@pytest.mark.filterwarnings("ignore:Cannot decide type:UserWarning")  # not of files with params
def test_gluon_reads_it(exported: Path, classifier: HybridBlock) -> None:
    block = SymbolBlock.imports(f"{exported}-symbol.json", ["data"], f"{exported}-0000.params")
    x = mx.nd.random.uniform(shape=(2, 3, 32, 32))
    np.testing.assert_allclose(block(x).asnumpy(), classifier(x).asnumpy(), 1e-5, 1e-5)


def test_the_c_predict_api_reads_it(exported: Path, classifier: HybridBlock) -> None:
    x = np.random.default_rng(0).random((2, 3, 32, 32), np.float32)
    symbol = Path(f"{exported}-symbol.json").read_bytes()
    params = Path(f"{exported}-0000.params").read_bytes()
    handle = ctypes.c_void_p()
    keys = (ctypes.c_char_p * 1)(b"data")
    indices, shape = (ctypes.c_uint * 2)(0, 4), (ctypes.c_uint * 4)(*x.shape)
    cpu, number, size = 1, 0, len(params)
    check_call(
        _LIB.MXPredCreate(
            *(symbol, params, size, cpu, number, 1, keys, indices, shape), ctypes.byref(handle)
        )
    )
    floats = ctypes.POINTER(ctypes.c_float)
    check_call(_LIB.MXPredSetInput(handle, b"data", x.ctypes.data_as(floats), x.size))
    check_call(_LIB.MXPredForward(handle))
    output = np.empty((2, 10), np.float32)
    check_call(_LIB.MXPredGetOutput(handle, 0, output.ctypes.data_as(floats), output.size))
    check_call(_LIB.MXPredFree(handle))
    np.testing.assert_allclose(output, classifier(mx.nd.array(x)).asnumpy(), 1e-5, 1e-5)


@pytest.fixture
def old(tmp_path: Path) -> tuple[Path, dict[str, bytes]]:
    """An export that another is to take the place of."""
    export(dense(), tmp_path / "net", np.zeros((1, 3)))
    return tmp_path / "net", contents(tmp_path / "net")


def assert_untouched(old: tuple[Path, dict[str, bytes]]) -> None:
    prefix, before = old
    assert contents(prefix) == before
    assert len(list(prefix.parent.iterdir())) == len(SUFFIXES)


def test_a_new_export_replaces_an_old_one(old: tuple[Path, dict[str, bytes]]) -> None:
    prefix, before = old
    export(dense(5), prefix, np.zeros((1, 3)))
    after = contents(prefix)
    assert all(after[suffix] != before[suffix] for suffix in SUFFIXES)
    assert load(prefix)(np.zeros((1, 3)))[0].shape == (1, 5)
    assert len(list(prefix.parent.iterdir())) == len(SUFFIXES)


def test_a_full_disk_leaves_the_old_export(old: tuple[Path, dict[str, bytes]]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    net = HybridSequential()
    net.add(Dense(1000, in_units=300))
    net.initialize()
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(OSError, match="nothing was exported") as caught:
            export(net, old[0], np.zeros((1, 300)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(old[0]))
    assert_untouched(old)


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
@pytest.mark.parametrize("fatal", [1, 2, 3])
@pytest.mark.parametrize("there", [True, False], ids=["old export", "none"])
def test_a_failing_move_leaves_the_old_export(
    old: tuple[Path, dict[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
    links: bool,
    fatal: int,
    there: bool,
) -> None:
    replace, moves = os.replace, []

    def failing(source: Path, target: Path) -> None:
        if Path(target).parent == old[0].parent and not Path(source).name.startswith("old-"):
            moves.append(target)
            if len(moves) == fatal:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    def unlinkable(source: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    net = dense(5)
    if not there:
        for suffix in SUFFIXES:
            old[0].with_name(old[0].name + suffix).unlink()
    monkeypatch.setattr(os, "replace", failing)
    if not links:
        monkeypatch.setattr(os, "link", unlinkable)
    with pytest.raises(OSError, match="nothing was exported"):
        export(net, old[0], np.zeros((1, 3)))
    assert len(moves) == fatal
    if there:
        assert_untouched(old)
    else:
        assert list(old[0].parent.iterdir()) == []


def test_a_network_that_cannot_be_exported_leaves_the_old_export(
    old: tuple[Path, dict[str, bytes]],
) -> None:
    with pytest.raises(ExportError):
        export(get_model("cifar_resnet20_v1"), old[0])
    assert_untouched(old)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="nothing was exported"):
        export(dense(), tmp_path / "file" / "net", np.zeros((1, 3)))


def test_the_manifest_lists_the_other_files(exported: Path) -> None:
    values = json.loads(Path(f"{exported}-manifest.json").read_text())
    assert set(values["files"]) == set(SUFFIXES[:2])
    assert values["files"]["-0000.params"]["size"] == len(contents(exported)["-0000.params"])
    assert set(values["versions"]) == {"mxnet", "toolkit"}


def test_folded_exports_answer_the_same(features: HybridBlock, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype(np.float32)
    export(features, tmp_path / "plain", x)
    export(features, tmp_path / "folded", x, folded=True)
    assert '"BatchNorm"' in (tmp_path / "plain-symbol.json").read_text()
    assert '"BatchNorm"' not in (tmp_path / "folded-symbol.json").read_text()
    for left, right in zip(load(tmp_path / "folded")(x), load(tmp_path / "plain")(x), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5)
