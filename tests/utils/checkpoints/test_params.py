from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from toolkit.utils.checkpoints import CheckpointError, read_arrays

Frugal = Callable[[], AbstractContextManager[None]]
Read = Callable[..., dict[str, np.ndarray]]
V1, V2, V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
TWO_FLOATS = struct.pack("<ff", 1.5, -2)


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "float16", "uint8", "int32", "int8", "int64", "bool"]
)
def test_reads_every_type_that_mxnet_writes(dtype: str, mx: ModuleType, tmp_path: Path) -> None:
    values = np.arange(-7, 8).reshape(3, 1, 5).astype(dtype)
    odd = mx.nd.array(np.arange(3), dtype="int8")  # what follows is no longer aligned
    path = tmp_path / "x.params"
    mx.nd.save(str(path), {"odd": odd, "arg:w": mx.nd.array(values, dtype=dtype)})
    arrays = read_arrays(path)
    assert list(arrays) == ["odd", "arg:w"]
    assert arrays["arg:w"].dtype == dtype
    assert arrays["arg:w"].flags.aligned
    np.testing.assert_array_equal(arrays["arg:w"], values)


def test_bfloat16_becomes_float32(mx: ModuleType, files: SimpleNamespace, tmp_path: Path) -> None:
    path = tmp_path / "x.params"
    values = np.array([[1, 0.1, -3e38], [0, np.inf, 1e-40]], "<f4")
    upper = (values.view("<u4") >> 16).astype("<u2")
    path.write_bytes(files.params_list([files.params_record((2, 3), 12, upper.tobytes())], ["w"]))
    back = mx.nd.amp_cast(mx.nd.load(str(path))["w"], dtype="float32").asnumpy()
    array = read_arrays(path)["w"]
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, back)
    np.testing.assert_allclose(array[0], [1, 0.1, -3e38], rtol=2**-7)


@pytest.mark.parametrize("stype", ["row_sparse", "csr"])
@pytest.mark.parametrize("empty", [False, True])
def test_sparse_arrays_become_dense(
    stype: str, empty: bool, mx: ModuleType, tmp_path: Path
) -> None:
    values = np.zeros((6, 4), np.float32)
    if not empty:
        values[[1, 4]] = [[0, 1, 2, 0], [5, 0, 0, 6]]
    path = tmp_path / "x.params"
    sparse = mx.nd.array(values).tostype(stype)
    sparse.wait_to_read()  # MXNet writes the stored shape before it waits
    mx.nd.save(str(path), {"w": sparse, "b": mx.nd.ones((2,))})
    arrays = read_arrays(path)
    np.testing.assert_array_equal(arrays["w"], values)
    np.testing.assert_array_equal(arrays["b"], [1, 1])


def test_numpy_semantics_have_scalars_and_empty_arrays(mx: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "x.params"
    with mx.util.np_shape(True):
        written = {"s": mx.np.array(3.5), "z": mx.np.zeros((0, 3)), "w": mx.np.ones((2, 2))}
        mx.nd.save(str(path), {name: value.as_nd_ndarray() for name, value in written.items()})
    arrays = read_arrays(path)
    assert {name: array.shape for name, array in arrays.items()} == {
        "s": (),
        "z": (0, 3),
        "w": (2, 2),
    }
    assert arrays["s"] == 3.5


@pytest.mark.parametrize("count", [0, 1, 3])
def test_arrays_without_names_are_numbered(count: int, mx: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "x.nd"
    mx.nd.save(str(path), [mx.nd.full((2,), index) for index in range(count)])
    arrays = read_arrays(path)
    assert list(arrays) == [str(index) for index in range(count)]
    assert [array[0] for array in arrays.values()] == list(range(count))


def test_a_single_array_is_called_0(mx: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "x.nd"
    mx.nd.save(str(path), mx.nd.ones((2, 3)))
    assert read_arrays(path)["0"].shape == (2, 3)


@pytest.mark.parametrize("version", [0, V1, V2])
def test_old_versions_equal_what_mxnet_reads(
    version: int, mx: ModuleType, files: SimpleNamespace, tmp_path: Path
) -> None:
    values = np.arange(6, dtype="<f8")
    record = files.params_record((2, 3), 1, values.tobytes(), version=version)
    path = tmp_path / "x.params"
    path.write_bytes(files.params_list([record, record], ["aux:a", "ü"]))
    expected = mx.nd.load(str(path))
    arrays = read_arrays(path)
    assert list(arrays) == list(expected) == ["aux:a", "ü"]
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, expected[name].asnumpy())


@pytest.mark.parametrize(
    ("version", "none"),
    [
        (0, struct.pack("<I", 0)),
        (V1, struct.pack("<Ii", V1, 0)),
        (V2, struct.pack("<Iii", V2, 0, 0)),
        (V3, struct.pack("<Iii", V3, 0, -1)),
    ],
)
def test_entries_without_an_array_are_left_out(
    version: int, none: bytes, files: SimpleNamespace, read: Read
) -> None:
    record = files.params_record((2,), 0, TWO_FLOATS, version=version)
    arrays = read(files.params_list([none, record], ["none", "w"]))
    assert {name: array.tolist() for name, array in arrays.items()} == {"w": [1.5, -2]}


@pytest.mark.realdata
def test_real_files_equal_what_mxnet_reads(mx: ModuleType, data_root: Path) -> None:
    folders = [data_root / "weights_mxnet", data_root / "weights_converted"]
    paths = [p for f in folders for s in ("*.params", "*.nd", "*.v0") for p in f.rglob(s)]
    assert len(paths) >= 9
    for path in paths:
        expected = mx.nd.load(str(path))
        if isinstance(expected, list):
            expected = {str(index): value for index, value in enumerate(expected)}
        arrays = read_arrays(path)
        assert list(arrays) == list(expected), path
        for name, array in arrays.items():
            reference = expected[name].asnumpy()
            assert (array.dtype, array.shape) == (reference.dtype, reference.shape)
            assert array.tobytes() == reference.tobytes(), f"{path}: {name}"


def huge(*sizes: int) -> bytes:
    return struct.pack(f"<Iii{len(sizes)}q3i", V2, 0, len(sizes), *sizes, 1, 0, 0)


def sparse(rows: int, index: list[int], shape: tuple[int, int] = (4, 2)) -> bytes:
    head = struct.pack("<Iii2qi2q", V2, 1, 2, rows, 2, 2, *shape) + struct.pack("<iii", 1, 0, 0)
    indices = struct.pack("<iiq", 6, 1, len(index))
    return head + indices + bytes(8 * rows) + struct.pack(f"<{len(index)}q", *index)


def csr(starts: list[int], columns: list[int]) -> bytes:
    head = struct.pack("<Iiiqi2q", V2, 2, 1, len(columns), 2, 2, 3) + struct.pack("<iii", 1, 0, 0)
    head += struct.pack("<iiqiiq", 6, 1, len(starts), 6, 1, len(columns))
    data = bytes(4 * len(columns))
    return head + data + struct.pack(f"<{len(starts) + len(columns)}q", *starts, *columns)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (huge(1 << 50), "truncated: array 1 of 1 takes 4503599627370496 bytes"),
        (huge(1 << 60, 1 << 60), "impossible shape"),
        (struct.pack("<Iii", V2, 0, 1 << 30), "1073741824 dimensions"),
        (struct.pack("<Ii", V2, 7), "unknown storage type 7"),
        (struct.pack("<I", 0xDEADBEEF), "0xdeadbeef, which is no known version"),
        (struct.pack("<Iiiqiii", V2, 0, 1, 1, 1, 0, 99), "unknown number type 99"),
        (struct.pack("<Iiiqiii", V2, 0, 1, -5, 1, 0, 0), "impossible shape"),
        (sparse(2, [1, 4]), "indices from 1 to 4, 4 allowed"),
        (sparse(2, [-1, 1]), "indices from -1 to 1"),
        (sparse(2, [1]), "do not make up"),
        (sparse(1, [0], (1 << 40, 2)), "far beyond"),
        (csr([0, 1, 1], [0, 1]), "do not follow one another"),
        (csr([0, 2, 1], [0]), "indices from 0 to 2"),
        (csr([1, 1, 1], [0]), "do not follow one another"),
        (csr([0, 1], [0]), "do not make up"),
        (csr([0, 0, 1], [3]), "indices from 3 to 3, 3 allowed"),
    ],
)
def test_hostile_records_are_refused_without_memory(
    record: bytes, message: str, files: SimpleNamespace, read: Read, frugal: Frugal
) -> None:
    with frugal(), pytest.raises(CheckpointError, match=message):
        read(files.params_list([record], ["w"]))


def test_sound_sparse_records_are_read(files: SimpleNamespace, read: Read) -> None:
    arrays = read(files.params_list([sparse(2, [1, 3]), csr([0, 1, 2], [2, 0])]))
    assert [array.shape for array in arrays.values()] == [(4, 2), (2, 3)]


@pytest.mark.parametrize(
    ("tail", "message"),
    [
        (struct.pack("<Q", 2), "2 names for 1 arrays"),
        (struct.pack("<QQ", 1, 1 << 60), "name 1 of 1 takes 1152921504606846976 bytes"),
        (struct.pack("<QQ", 1, 2) + b"\xff\xfe", "name 1 of 1 is not text"),
        (b"", "the number of names takes 8 bytes"),
    ],
)
def test_wrong_names_are_refused(
    tail: bytes, message: str, files: SimpleNamespace, read: Read
) -> None:
    whole = files.params_list([files.params_record((2,), 0, TWO_FLOATS)])
    with pytest.raises(CheckpointError, match=message):
        read(whole[:-8] + tail)


def test_one_name_for_two_arrays_is_refused(files: SimpleNamespace, read: Read) -> None:
    record = files.params_record((2,), 0, TWO_FLOATS)
    with pytest.raises(CheckpointError, match="two arrays are named 'w'"):
        read(files.params_list([record, record], ["w", "w"]))


def test_a_count_of_arrays_beyond_the_file_is_refused(read: Read) -> None:
    with pytest.raises(CheckpointError, match="array 1 of 1152921504606846976"):
        read(struct.pack("<QQQ", 0x112, 0, 1 << 60))


@pytest.mark.parametrize("version", [0, V1, V2, V3])
def test_damage_is_noticed_or_harmless(
    version: int, files: SimpleNamespace, survives: Callable[..., None]
) -> None:
    record = files.params_record((3, 5), 0, bytes(range(60)), version=version)
    data = files.params_list([record, record], ["a", "b"])
    survives(data, header=len(data), seed=version & 7)


def test_damage_to_sparse_arrays_is_noticed_or_harmless(
    files: SimpleNamespace, survives: Callable[..., None]
) -> None:
    data = files.params_list([sparse(2, [1, 3]), csr([0, 1, 2], [2, 0])], ["a", "b"])
    survives(data, header=len(data))
