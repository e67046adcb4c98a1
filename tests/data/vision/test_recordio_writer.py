from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.data.vision.recordio import MAGIC, ImageRecordDataset, RecordError
from toolkit.data.vision.recordio_writer import (
    encode_record,
    framed,
    image_record_writer,
)

Encode = Callable[..., bytes]


@pytest.fixture
def image(photo: np.ndarray, encode: Encode) -> bytes:
    return encode(photo, "PNG")


def test_what_is_written_is_read(
    tmp_path: Path, photo: np.ndarray, image: bytes, encode: Encode
) -> None:
    with image_record_writer(tmp_path / "new" / "a.rec") as writer:
        writer.write(image, 3)
        writer.write(encode(photo[::-1], "PNG"), [1.5, 2.5], key=9)
        writer.write(image, np.float32(0.5))
        assert len(writer) == 3
    path = tmp_path / "new" / "a.rec"
    for _ in range(2):
        data = ImageRecordDataset(path)
        assert [np.asarray(label).tolist() for _, label in data] == [3.0, [1.5, 2.5], 0.5]
        np.testing.assert_array_equal(data[1][0], photo[::-1])
        path.with_suffix(".idx").unlink(missing_ok=True)  # then the same by scanning


def test_mxnet_reads_it(tmp_path: Path, image: bytes) -> None:
    recordio = pytest.importorskip("mxnet.recordio")
    hostile = [
        image + MAGIC * 3,
        MAGIC + image + b"x" * (-len(image) % 4) + MAGIC,
        image + b"\n" * 7,
    ]
    labels: list[Any] = [2.0, [1.0, 2.0, 3.0], [4.0]]
    with image_record_writer(tmp_path / "a.rec") as writer:
        for key, (content, label) in enumerate(zip(hostile, labels, strict=True)):
            writer.write(content, label, key + 5)
    reader = recordio.MXIndexedRecordIO(str(tmp_path / "a.idx"), str(tmp_path / "a.rec"), "r")
    assert reader.keys == [5, 6, 7]
    for key, (content, label) in enumerate(zip(hostile, labels, strict=True), start=5):
        header, found = recordio.unpack(reader.read_idx(key))
        assert found == content
        assert header.id == key
        assert np.asarray(header.label).tolist() == label
    reader.close()


def test_the_bytes_equal_those_of_mxnet(tmp_path: Path, image: bytes) -> None:
    recordio = pytest.importorskip("mxnet.recordio")
    theirs = recordio.MXIndexedRecordIO(str(tmp_path / "b.idx"), str(tmp_path / "b.rec"), "w")
    with image_record_writer(tmp_path / "a.rec") as ours:
        for key, (content, label) in enumerate([(image, 1.0), (image + MAGIC * 9, 2.5)]):
            ours.write(content, label)
            theirs.write_idx(key, recordio.pack(recordio.IRHeader(0, label, key, 0), content))
    theirs.close()
    for suffix in (".rec", ".idx"):
        a, b = ((tmp_path / name).with_suffix(suffix).read_bytes() for name in "ab")
        assert a == b


@pytest.mark.realdata
def test_real_records_written_again_are_the_same_bytes(data_root: Path, tmp_path: Path) -> None:
    recordio = pytest.importorskip("mxnet.recordio")
    source = data_root / "recordio" / "sample-data_train"
    reader = recordio.MXIndexedRecordIO(f"{source}.idx", f"{source}.rec", "r")
    with image_record_writer(tmp_path / "a.rec") as writer:
        for key in reader.keys:
            header, image = recordio.unpack(reader.read_idx(key))
            writer.write(image, header.label, key)
    reader.close()
    assert (tmp_path / "a.rec").read_bytes() == Path(f"{source}.rec").read_bytes()
    assert (tmp_path / "a.idx").read_text() == Path(f"{source}.idx").read_text()


def test_a_failure_leaves_the_old_files(tmp_path: Path, image: bytes) -> None:
    path = tmp_path / "a.rec"
    with image_record_writer(path) as writer:
        writer.write(image, 1)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="'cat'"), image_record_writer(path) as writer:
        writer.write(image, "cat")  # type: ignore[arg-type]
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_bad_input_is_named(tmp_path: Path, image: bytes) -> None:
    with (
        pytest.raises(ValueError, match=r"a.txt does not end in .rec"),
        image_record_writer(tmp_path / "a.txt"),
    ):
        pass
    with image_record_writer(tmp_path / "a.rec") as writer:
        writer.write(image, 1, key=4)
        for label, key, reason in (
            (1, 4, "key 4 of a record is used twice"),
            (1, -1, "key -1 .* not within"),
            ("cat", 5, "label 'cat' of record 5"),
            ([[1.0]], 6, r"record 6 have the shape \(1, 1\)"),
            ([], 7, r"record 7 have the shape \(0,\)"),
        ):
            with pytest.raises(ValueError, match=reason):
                writer.write(image, label, key)  # type: ignore[arg-type]
    assert len(ImageRecordDataset(tmp_path / "a.rec")) == 1


def test_a_record_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.data.vision.recordio_writer.MAX_PART", 100)
    assert len(framed(b"x" * 100, "record 1")) == 108
    with pytest.raises(RecordError, match="record 1 has 101 bytes, the format holds 100"):
        framed(b"x" * 101, "record 1")


def test_records_are_split_at_aligned_magic_numbers_only() -> None:
    assert framed(b"x" + MAGIC, "r") == MAGIC + struct.pack("<I", 5) + b"x" + MAGIC + b"\0" * 3
    assert framed(MAGIC, "r") == (MAGIC + struct.pack("<I", 1 << 29)) + MAGIC + struct.pack(
        "<I", 3 << 29
    )
    assert encode_record(b"", 1.0, 2) == struct.pack("<IfQQ", 0, 1.0, 2, 0)
