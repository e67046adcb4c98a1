from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from toolkit.utils.checkpoints import CheckpointError, read_arrays

Read = Callable[..., dict[str, np.ndarray]]
DTYPES = "bool uint8 int8 uint16 int16 float16 uint32 int32 float32 uint64 int64 float64 complex64"


def header(**entries: object) -> bytes:
    return json.dumps(entries).encode()


def entry(dtype: str, shape: list, begin: object, end: object) -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def test_reads_what_the_library_writes(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.numpy")
    rng = np.random.default_rng(0)
    written = {
        name: (rng.normal(size=(3, 1, 5)) * 40).astype(np.uint8).astype(name)
        for name in DTYPES.split()
    }
    written |= {"scalar": np.array(2.5), "empty": np.zeros((0, 4), np.float32), "ü": np.ones(1)}
    path = tmp_path / "x.safetensors"
    library.save_file(written, path, metadata={"format": "np"})
    arrays = read_arrays(path)
    assert set(arrays) == set(written)
    for name, array in library.load_file(path).items():
        assert (arrays[name].dtype, arrays[name].shape) == (array.dtype, array.shape)
        assert arrays[name].tobytes() == array.tobytes()


@pytest.mark.parametrize(
    ("dtype", "raw", "values"),
    [
        ("BF16", b"\x80\x3f\x49\xc0", [1.0, -3.140625]),
        ("F8_E4M3", b"\x7e\x38", [448.0, 1.0]),
        ("F8_E5M2", b"\x7b\x3c", [57344.0, 1.0]),
        ("F8_E8M0", b"\x7f\x80", [1.0, 2.0]),
        ("F8_E4M3FNUZ", b"\x40\x7f", [1.0, 240.0]),
        ("F8_E5M2FNUZ", b"\x40\x7f", [1.0, 57344.0]),
    ],
)
def test_narrow_floats_become_float32(
    dtype: str, raw: bytes, values: list[float], files: SimpleNamespace, read: Read
) -> None:
    array = read(files.safetensors(header(w=entry(dtype, [2], 0, len(raw))), raw))["w"]
    assert array.dtype == np.float32
    assert array.tolist() == values


def test_keys_stay_in_the_order_of_the_header(files: SimpleNamespace, read: Read) -> None:
    text = header(z=entry("U8", [1], 1, 2), a=entry("U8", [1], 0, 1), __metadata__={"k": "v"})
    arrays = read(files.safetensors(text + b"  ", b"\x05\x06"))
    assert {name: array.item() for name, array in arrays.items()} == {"z": 6, "a": 5}
    assert list(arrays) == ["z", "a"]


def test_unaligned_numbers_are_read(files: SimpleNamespace, read: Read) -> None:
    text = header(odd=entry("U8", [1], 0, 1), w=entry("F64", [2], 1, 17))
    data = b"\x01" + np.array([1.5, -2]).tobytes()
    assert read(files.safetensors(text, data))["w"].tolist() == [1.5, -2]


U8 = entry("U8", [4], 0, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (header(a=U8, b=entry("U8", [4], 2, 6)), "tensor 'b' overlaps"),
        (header(a=U8, b=entry("U8", [2], 6, 8)), "tensor 'b' leaves a hole"),
        (header(a=U8), "4 bytes after the last tensor"),
        (header(a=entry("U8", [9], 0, 9)), "after the last tensor"),
        (header(a=entry("F32", [1], 0, 8)), "tensor 'a': 8 bytes do not make up"),
        (header(a=entry("F32", [1 << 62, 1 << 62], 0, 8)), "impossible shape"),
        (header(a=entry("F32", [2], 8, 0)), "tensor 'a' leaves a hole"),
        (header(a=entry("F32", [-2], 0, 8)), "wrong shape or data_offsets"),
        (header(a=entry("F32", [2.0], 0, 8)), "wrong shape or data_offsets"),
        (header(a=entry("F32", [2], True, 8)), "wrong shape or data_offsets"),
        (header(a={"dtype": "F32", "shape": [2], "data_offsets": [0, 4, 8]}), "data_offsets"),
        (header(a={"dtype": "F32", "shape": [2]}), "wrong shape or data_offsets"),
        (header(a=entry("F33", [2], 0, 8)), "dtype 'F33'; read are BOOL, U8"),
        (header(a={"dtype": ["F32"]}), "dtype"),
        (header(a=7), "dtype None"),
        (b'{"a":' + json.dumps(U8).encode() + b',"a":' + json.dumps(U8).encode() + b"}", "twice"),
        (b'{"a":', "not valid JSON"),
        (b"{\xff}", "not valid JSON"),
        (b"{" + b'"a":[' * 5000, "not valid JSON"),
    ],
)
def test_wrong_headers_are_refused(
    text: bytes, message: str, files: SimpleNamespace, read: Read
) -> None:
    with pytest.raises(CheckpointError, match=message):
        read(files.safetensors(text, bytes(8)))


def test_a_header_that_is_no_object_is_refused(files: SimpleNamespace, read: Read) -> None:
    with pytest.raises(CheckpointError, match="not a JSON object"):
        read(files.safetensors(b"[1]"), format="safetensors")


@pytest.mark.parametrize(
    ("length", "message"), [(99_000_000, "the header takes 99000000 bytes"), (1 << 60, "at most")]
)
def test_long_headers_take_no_memory(
    length: int, message: str, read: Read, frugal: Callable[[], AbstractContextManager[None]]
) -> None:
    with frugal(), pytest.raises(CheckpointError, match=message):
        read(length.to_bytes(8, "little") + b"{}", format="safetensors")


def test_damage_is_noticed_or_harmless(
    files: SimpleNamespace, survives: Callable[..., None]
) -> None:
    text = header(a=entry("F32", [2, 3], 0, 24), b=entry("BF16", [4], 24, 32))
    survives(files.safetensors(text, bytes(range(32))), header=len(text) + 8)


def test_a_file_of_no_tensors_is_empty(files: SimpleNamespace, read: Read) -> None:
    assert read(files.safetensors(b"{}")) == {}
