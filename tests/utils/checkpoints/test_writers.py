from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from toolkit.utils.checkpoints import read_arrays, write_params, write_safetensors

MXNET = ["float32", "float64", "float16", "uint8", "int32", "int8", "int64", "bool"]
MORE = ["uint16", "int16", "uint32", "uint64", "complex64"]
WRITERS = [write_params, write_safetensors]


def arrays_of(dtypes: list[str]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        f"ü.{name}": (rng.normal(size=(2, 1, 3)) * 9).astype("i1").astype(name) for name in dtypes
    }


def equal(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> bool:
    return set(found) == set(expected) and all(
        (found[name].dtype, found[name].shape) == (array.dtype.newbyteorder("="), array.shape)
        and (found[name] == array).all()
        for name, array in expected.items()
    )


def test_mxnet_reads_what_is_written(mx: ModuleType, tmp_path: Path) -> None:
    arrays = arrays_of(MXNET)
    write_params(tmp_path / "x.params", arrays)
    loaded = mx.nd.load(str(tmp_path / "x.params"))
    assert list(loaded) == list(arrays)
    assert equal({name: value.asnumpy() for name, value in loaded.items()}, arrays)


def test_mxnet_writes_the_same_bytes(mx: ModuleType, tmp_path: Path) -> None:
    arrays = arrays_of(MXNET)
    write_params(tmp_path / "ours", arrays)
    theirs = {name: mx.nd.array(array, dtype=array.dtype) for name, array in arrays.items()}
    mx.nd.save(str(tmp_path / "theirs"), theirs)
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_a_block_loads_what_is_written(mx: ModuleType, tmp_path: Path) -> None:
    net = mx.gluon.nn.Dense(3, in_units=2, prefix="dense_")
    net.initialize()
    weights = {"weight": np.arange(6, dtype=np.float32).reshape(3, 2), "bias": np.ones(3, "f4")}
    write_params(tmp_path / "x.params", weights)
    net.load_parameters(str(tmp_path / "x.params"))
    np.testing.assert_array_equal(net.weight.data().asnumpy(), weights["weight"])


@pytest.mark.parametrize("metadata", [None, {"format": "np", "note": "ü"}])
def test_the_library_reads_what_is_written(metadata: dict[str, str] | None, tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors")
    arrays = arrays_of(MXNET + MORE) | {"scalar": np.array(2.5), "empty": np.zeros((0, 4), "f4")}
    write_safetensors(tmp_path / "x", arrays, metadata)
    with library.safe_open(tmp_path / "x", framework="np") as file:
        assert file.metadata() == metadata
        assert equal({name: file.get_tensor(name) for name in file.keys()}, arrays)  # noqa: SIM118


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(
    "layout", ["turned", "stepped", "big-endian", "empty", "none", "read-only"]
)
def test_every_layout_comes_back(write: Callable[..., None], layout: str, tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.float32).reshape(4, 6)
    fixed = values.copy()
    fixed.flags.writeable = False
    arrays = {
        "turned": {"w": values.T},
        "stepped": {"w": values[::2, ::-1]},
        "big-endian": {"w": values.astype(">f4")},
        "empty": {"w": values[:0]},
        "none": {},
        "read-only": {"w": fixed},
    }[layout]
    write(str(tmp_path / "x"), arrays)
    assert equal(read_arrays(tmp_path / "x"), arrays)


@pytest.mark.parametrize("write", WRITERS)
def test_the_same_arrays_give_the_same_bytes(write: Callable[..., None], tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / name, arrays_of(MXNET))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_params_keep_the_order(tmp_path: Path) -> None:
    names = ["z", "a", "m"]
    write_params(tmp_path / "x", {name: np.ones(1, "f4") for name in names})
    assert list(read_arrays(tmp_path / "x")) == names


def test_safetensors_are_aligned(tmp_path: Path) -> None:
    arrays = {"a": np.ones(3, "i1"), "b": np.ones(3, "f4"), "c": np.ones(1), "d": np.ones(1, "f2")}
    write_safetensors(tmp_path / "x", arrays, {"k": "ü"})
    raw = (tmp_path / "x").read_bytes()
    assert int.from_bytes(raw[:8], "little") % 8 == 0
    assert list(read_arrays(tmp_path / "x")) == ["c", "b", "d", "a"]


@pytest.mark.parametrize(
    ("write", "arrays", "message"),
    [
        (write_params, {"w": np.array(1.0)}, r"'w' is 0-d, .* use \(1,\)"),
        (write_params, {"w": np.ones(1, "u2")}, "'w' is of type uint16; allowed are float32"),
        (write_params, {"w": np.array(["x"])}, "of type <U1"),
        (write_params, {"w": np.array([{}])}, "of type object"),
        (write_safetensors, {"w": np.ones(1, "c16")}, "of type complex128"),
        (write_safetensors, {"__metadata__": np.ones(1)}, "cannot be named"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(
    write: Callable[..., None], arrays: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        write(tmp_path / "x", arrays)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", WRITERS)
def test_a_failed_write_leaves_the_old_file(
    write: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    write(path, {"w": np.ones(2, "f4")})
    before = path.read_bytes()

    def full(array: np.ndarray) -> memoryview:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("toolkit.utils.checkpoints.writers._bytes", full)
    with pytest.raises(OSError, match=r"(?i)no space left"):
        write(path, {"w": np.zeros(2, "f4")})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
