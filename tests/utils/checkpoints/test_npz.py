from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from toolkit.utils.checkpoints import CheckpointError, read_arrays

Read = Callable[..., dict[str, np.ndarray]]
ARRAYS = {
    "w": np.arange(12, dtype=np.float32).reshape(3, 4),
    "columns": np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)),
    "big": np.array([1, 2], ">f8"),
    "scalar": np.array(True),
    "empty": np.zeros((0, 3), np.complex64),
    "block1/w.b": np.array([[-1]], np.int8),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_reads_what_numpy_writes(save: Callable[..., None], tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    save(path, **ARRAYS)
    arrays = read_arrays(path)
    assert list(arrays) == list(ARRAYS)
    for name, array in arrays.items():
        assert array.dtype == ARRAYS[name].dtype.newbyteorder("=")
        assert array.flags.c_contiguous
        assert array.flags.writeable
        np.testing.assert_array_equal(array, ARRAYS[name])


@pytest.mark.parametrize("name", sorted(ARRAYS))
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_a_bare_array_is_called_0(name: str, version: tuple[int, int], read: Read) -> None:
    file = io.BytesIO()
    np.lib.format.write_array(file, ARRAYS[name], version)
    arrays = read(file.getvalue())
    assert list(arrays) == ["0"]
    np.testing.assert_array_equal(arrays["0"], ARRAYS[name])


def npy(array: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([{}], object), "Python objects"),
        (np.array(["text"]), "type '<U4'"),
        (np.array([b"raw"]), "type '|S3'"),
        (np.zeros(2, [("a", "f4")]), "no array of numbers"),
        (np.array(["2020-01-01"], "M8[D]"), "only numbers"),
    ],
)
def test_what_is_no_number_is_refused(array: np.ndarray, message: str, read: Read) -> None:
    with pytest.raises(CheckpointError, match=message.replace("|", r"\|")):
        read(npy(array))


def with_header(text: str, data: bytes = bytes(16)) -> bytes:
    head = text.encode()
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + data


HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (with_header(HEADER % "5,"), "takes 20 bytes, 16 are there"),
        (with_header(HEADER % "3,"), "takes 12 bytes, 16 are there"),
        (with_header(HEADER % f"{1 << 60},"), "impossible shape"),
        (with_header(HEADER % f"{1 << 50},"), "takes 4503599627370496 bytes"),
        (with_header(HEADER % "-4,"), "no array of numbers"),
        (with_header(HEADER % ("9" * 5000)), "digits|impossible shape"),
        (with_header(HEADER.replace("<f4", "<f3") % "4,"), "f3"),
        (with_header("__import__('os').system('true')"), "no array of numbers"),
        (b"\x93NUMPY\x09\x00" + bytes(40), "version 9"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{}", "header of 2147483647 bytes"),
        (b"\x93NUMPY\x01", "does not begin"),
    ],
)
def test_wrong_headers_are_refused(
    data: bytes, message: str, read: Read, frugal: Callable[[], AbstractContextManager[None]]
) -> None:
    with frugal(), pytest.raises(CheckpointError, match=message):
        read(data)


def test_a_strange_member_is_refused(read: Read) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("w.npy", npy(np.ones(2)))
        archive.writestr("run.py", "")
    with pytest.raises(CheckpointError, match=r"found a zip archive of \['w.npy', 'run.py'\]"):
        read(file.getvalue())


def test_an_empty_archive_holds_nothing(read: Read) -> None:
    file = io.BytesIO()
    np.savez(file)
    assert read(file.getvalue()) == {}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damage_is_noticed_or_harmless(
    save: Callable[..., None], survives: Callable[..., None]
) -> None:
    file = io.BytesIO()
    save(file, w=ARRAYS["w"], b=ARRAYS["scalar"])
    survives(file.getvalue(), header=200, tail=200)
