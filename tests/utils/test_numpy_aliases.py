from __future__ import annotations

import importlib.util
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from toolkit.utils import numpy_aliases
from toolkit.utils.numpy_aliases import Version, pack, pack_img, provide_distutils


@pytest.fixture
def bare() -> ModuleType:
    """NumPy 2 as it comes, without any of the removed names."""
    module = ModuleType("numpy")
    kept = "inf nan float64 complex128 str_ bytes_ prod cumprod any all round vstack isin sort"
    for name in (*kept.split(), "asarray"):
        setattr(module, name, getattr(np, name))
    module.__dict__.update(__version__="2.5.0", trapezoid=lambda y: y.sum(), _core=object())
    return module


def test_all_names_mxnet_needs_are_given_back(bare: ModuleType) -> None:
    names = numpy_aliases.provide_numpy_names(bare)
    assert len(names) >= 30
    assert {"bool", "PZERO", "NaN", "alltrue", "in1d", "msort", "trapz", "mirr", "core"} <= {*names}
    assert all(name in bare.__dict__ for name in names)


def test_what_is_there_stays_as_it_is(bare: ModuleType) -> None:
    bare.__dict__["bool"] = bare.__dict__["in1d"] = mine = object()
    assert not {"bool", "in1d"} & {*numpy_aliases.provide_numpy_names(bare)}
    assert bare.__dict__["bool"] is mine
    assert numpy_aliases.provide_numpy_names(bare) == ()


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("in1d", ([[1, 2], [3, 4]], [2, 3]), [False, True, True, False]),
        ("msort", ([[3, 1], [2, 5]],), [[2, 1], [3, 5]]),
        ("alltrue", ([1, 0],), False),
        ("sometrue", ([1, 0],), True),
        ("product", ([2, 3],), 6),
        ("cumproduct", ([2, 3],), [2, 6]),
        ("row_stack", (([1, 2], [3, 4]),), [[1, 2], [3, 4]]),
        ("asfarray", ([1, 2],), [1.0, 2.0]),
        ("round_", (1.26, 1), 1.3),
    ],
)
def test_functions_mean_what_they_meant(
    bare: ModuleType, name: str, arguments: Any, expected: Any
) -> None:
    numpy_aliases.provide_numpy_names(bare)
    function = getattr(bare, name)
    np.testing.assert_array_equal(function(*arguments), expected)
    assert function.__name__ == name


def test_each_function_is_its_own_object(bare: ModuleType) -> None:
    numpy_aliases.provide_numpy_names(bare)
    functions = [bare.__dict__[k] for k in ("any", "sometrue", "all", "alltrue", "round", "round_")]
    assert len(set(functions)) == 6


def test_financial_functions_exist_and_say_where_they_went(bare: ModuleType) -> None:
    numpy_aliases.provide_numpy_names(bare)
    with pytest.raises(NotImplementedError, match=r"numpy_financial\.mirr"):
        bare.__dict__["mirr"]([1], 0.1, 0.1)


def test_constants(bare: ModuleType) -> None:
    numpy_aliases.provide_numpy_names(bare)
    assert np.isneginf(bare.NINF)
    assert np.signbit(bare.NZERO)
    assert not np.signbit(bare.PZERO)
    assert np.isnan(bare.NAN)


def test_this_numpy_has_all_names_once_toolkit_is_imported() -> None:
    assert numpy_aliases.provide_numpy_names() == ()
    assert np.__dict__["bool"] in (bool, np.bool_)


def test_versions_compare_by_numbers() -> None:
    assert Version("1.9") < Version("1.17") <= Version("1.17.0rc1") < Version("2")
    assert Version("1.26.4") == Version("1.26.4")
    assert str(Version("2.5.0")) == "2.5.0"
    assert len({Version("1"), Version("1"), Version("2")}) == 2


def without_distutils(monkeypatch: pytest.MonkeyPatch, *installed: str) -> None:
    monkeypatch.delitem(sys.modules, "distutils", raising=False)
    monkeypatch.delitem(sys.modules, "distutils.version", raising=False)
    find = lambda name: SimpleNamespace(name=name) if name in installed else None  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", find)


def test_distutils_version_stands_in_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    without_distutils(monkeypatch)
    assert provide_distutils()
    version = sys.modules["distutils.version"]
    assert version.LooseVersion("1.17") < version.LooseVersion(np.__version__)
    assert sys.modules["distutils"].__path__ == []
    assert not provide_distutils()


@pytest.mark.parametrize("installed", ["setuptools", "distutils"])
def test_a_real_distutils_is_left_alone(monkeypatch: pytest.MonkeyPatch, installed: str) -> None:
    without_distutils(monkeypatch, installed)
    assert not provide_distutils()
    assert "distutils" not in sys.modules


HEADERS = [(0, 3.0, 7, 0), (0, [1.0, 2.5, 4.0], 8, 1)]


@pytest.mark.parametrize("header", HEADERS)
def test_records_are_read_back_by_mxnet(header: tuple[Any, ...]) -> None:
    recordio = pytest.importorskip("mxnet.recordio")
    read, payload = recordio.unpack(pack(header, b"bytes"))
    assert payload == b"bytes"
    assert (read.id, read.id2) == header[2:]
    np.testing.assert_array_equal(read.label, header[1])


@pytest.mark.skipif(not hasattr(np.ndarray, "tostring"), reason="MXNet's own needs NumPy < 2.3")
@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.filterwarnings("ignore:tostring")
def test_records_equal_mxnets_own_bytes(header: tuple[Any, ...]) -> None:
    recordio = pytest.importorskip("mxnet.recordio")
    assert recordio.pack is not pack
    assert pack(header, b"bytes") == recordio.pack(recordio.IRHeader(*header), b"bytes")


@pytest.mark.parametrize("kind", [".png", ".PNG", ".jpg", ".jpeg"])
def test_images_in_records(kind: str) -> None:
    recordio = pytest.importorskip("mxnet.recordio")
    image = np.full((8, 6, 3), 128, np.uint8)
    header, read = recordio.unpack_img(pack_img(HEADERS[1], image, 9, kind))
    np.testing.assert_array_equal(read, image)
    np.testing.assert_array_equal(header.label, HEADERS[1][1])


@pytest.fixture
def module() -> SimpleNamespace:
    """The parts of an MXNet that are repaired."""
    scipy_sparse = SimpleNamespace(csr_matrix=list, coo_matrix=set)
    ndarray = SimpleNamespace(
        utils=SimpleNamespace(spsp=scipy_sparse), sparse=SimpleNamespace(spsp=None)
    )
    return SimpleNamespace(recordio=SimpleNamespace(pack=0, pack_img=0), ndarray=ndarray)


def test_records_are_repaired_where_numpy_cannot_write_them(module: SimpleNamespace) -> None:
    numpy_aliases.repair(module)
    replaced = module.recordio.pack is pack and module.recordio.pack_img is pack_img
    assert replaced == (not hasattr(np.ndarray, "tostring"))


def test_sparse_matrices_are_looked_for_where_scipy_keeps_them(module: SimpleNamespace) -> None:
    numpy_aliases.repair(module)
    found = module.ndarray.utils.spsp
    assert found.csr.csr_matrix is found.csr_matrix is list
    assert found.coo_matrix is set
    assert module.ndarray.sparse.spsp is None  # SciPy is optional


def test_scipys_sparse_matrices_become_ndarrays() -> None:
    nd, sparse = pytest.importorskip("mxnet.ndarray"), pytest.importorskip("scipy.sparse")
    dense = np.diag([1.0, 2.0, 3.0]).astype(np.float32)
    got = nd.sparse.array(sparse.csr_matrix(dense))
    assert got.stype == "csr"
    np.testing.assert_array_equal(got.asnumpy(), dense)
    np.testing.assert_array_equal(nd.array(dense).asnumpy(), dense)
