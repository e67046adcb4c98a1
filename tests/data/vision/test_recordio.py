from __future__ import annotations

import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from toolkit.data.vision.image import ImageError
from toolkit.data.vision.recordio import MAGIC, ImageRecordDataset, RecordError, read_index

Encode = Callable[..., bytes]


def content(image: bytes, label: float | list[float]) -> bytes:
    extra = label if isinstance(label, list) else []
    first = 0.0 if isinstance(label, list) else label
    return (
        struct.pack("<IfQQ", len(extra), first, 7, 0)
        + struct.pack(f"<{len(extra)}f", *extra)
        + image
    )


def part(data: bytes, flag: int = 0) -> bytes:
    return MAGIC + struct.pack("<I", flag << 29 | len(data)) + data + b"\0" * (-len(data) % 4)


@pytest.fixture
def images(photo: np.ndarray) -> list[np.ndarray]:
    return [photo, photo[::-1], photo[:, ::-1]]


@pytest.fixture
def records(images: list[np.ndarray], encode: Encode) -> list[bytes]:
    labels: list[float | list[float]] = [3.0, [1.5, 2.5], 5.0]
    files = [encode(image, "PNG") for image in images]
    return [part(content(f, label)) for f, label in zip(files, labels, strict=True)]


def test_samples_without_an_index(
    tmp_path: Path, images: list[np.ndarray], records: list[bytes]
) -> None:
    path = tmp_path / "a.rec"
    path.write_bytes(b"".join(records))
    data = ImageRecordDataset(path)
    assert len(data) == 3
    for (image, _), expected in zip(data, images, strict=True):
        np.testing.assert_array_equal(image, expected)
    assert data[0][1] == 3.0
    assert isinstance(data[0][1], float)
    vector = np.asarray(data[1][1])
    assert (vector.dtype, vector.tolist()) == (np.float32, [1.5, 2.5])
    assert data[-1][1] == 5.0
    with pytest.raises(IndexError, match="3 samples"):
        data[3]


def test_an_index_gives_the_order(
    tmp_path: Path, images: list[np.ndarray], records: list[bytes]
) -> None:
    path = tmp_path / "a.rec"
    path.write_bytes(b"".join(records))
    starts = np.cumsum([0] + [len(record) for record in records])
    (tmp_path / "a.idx").write_text(f"9\t{starts[2]}\n4\t{starts[0]}\n")
    data = ImageRecordDataset(str(path))
    assert [label for _, label in data] == [5.0, 3.0]


def test_a_record_split_at_the_magic_number(
    tmp_path: Path, photo: np.ndarray, encode: Encode
) -> None:
    whole = content(encode(photo, "BMP"), 2.0)
    middle = len(whole) // 8 * 4
    pieces = [whole[: middle - 8], whole[middle - 8 : middle], whole[middle:]]
    # What a reader puts back between the parts must be part of the image: pixels of its value.
    image = MAGIC.join(pieces)
    path = tmp_path / "a.rec"
    flagged = [part(piece, flag) for piece, flag in zip(pieces, (1, 2, 3), strict=True)]
    path.write_bytes(b"".join(flagged) + part(content(encode(photo, "PNG"), 4.0)))
    data = ImageRecordDataset(path)
    assert [label for _, label in data] == [2.0, 4.0]
    expected = tmp_path / "whole.rec"
    expected.write_bytes(part(image))
    np.testing.assert_array_equal(data[0][0], ImageRecordDataset(expected)[0][0])


def test_files_written_by_mxnet(tmp_path: Path, photo: np.ndarray, encode: Encode) -> None:
    recordio = pytest.importorskip("mxnet.recordio")
    path = tmp_path / "a.rec"
    writer = recordio.MXIndexedRecordIO(str(tmp_path / "a.idx"), str(path), "w")
    image = photo.copy()
    image[5:30, 3:50] = np.frombuffer(MAGIC[:3], np.uint8)  # many magic numbers to be escaped
    image.reshape(-1)[:1200] = np.frombuffer(MAGIC * 300, np.uint8)
    for key in range(4):
        header = recordio.IRHeader(0, float(key), key, 0)
        writer.write_idx(key, recordio.pack(header, encode(image, "BMP")))
    writer.close()
    for _ in range(2):
        data = ImageRecordDataset(path)
        images, labels = data.load_arrays()
        assert labels.tolist() == [0, 1, 2, 3]
        for pixels in images:
            np.testing.assert_array_equal(pixels, image)
        (tmp_path / "a.idx").unlink(missing_ok=True)  # then the same by scanning


def test_load_arrays(tmp_path: Path, images: list[np.ndarray], records: list[bytes]) -> None:
    path = tmp_path / "a.rec"
    path.write_bytes(records[0] + records[2])
    loaded, labels = ImageRecordDataset(path).load_arrays()
    np.testing.assert_array_equal(loaded, np.stack([images[0], images[2]]))
    assert (labels.dtype, labels.tolist()) == (np.int32, [3, 5])


def test_load_arrays_needs_one_size_and_class_indices(
    tmp_path: Path, photo: np.ndarray, records: list[bytes], encode: Encode
) -> None:
    path = tmp_path / "a.rec"
    path.write_bytes(records[0] + records[1])
    with pytest.raises(RecordError, match=r"record 1 of .*a.rec has the label \[1.5 2.5\]"):
        ImageRecordDataset(path).load_arrays()
    path.write_bytes(part(content(encode(photo, "PNG"), 0.5)))
    with pytest.raises(RecordError, match=r"label 0.5"):
        ImageRecordDataset(path).load_arrays()
    path.write_bytes(records[0] + part(content(encode(photo[:9], "PNG"), 1.0)))
    with pytest.raises(RecordError, match=r"record 1.*\(9, 61, 3\).*\(43, 61, 3\)"):
        ImageRecordDataset(path).load_arrays()


def test_workers_get_it_by_pickle(tmp_path: Path, records: list[bytes]) -> None:
    path = tmp_path / "a.rec"
    path.write_bytes(b"".join(records))
    data = pickle.loads(pickle.dumps(ImageRecordDataset(path)))
    assert len(data) == 3
    assert data[2][1] == 5.0


def test_broken_files_are_named(tmp_path: Path, records: list[bytes], encode: Encode) -> None:
    path = tmp_path / "a.rec"
    with pytest.raises(FileNotFoundError, match=r"a.rec"):
        ImageRecordDataset(path)
    whole = b"".join(records)
    for broken, reason in {
        b"": "a.rec is empty",
        b"\x89PNG\r\n\x1a\n": "record 0 .* no record begins at byte 0 .found 89504e47",
        whole[:-9]: "record 2 .* cut off: the file ends",
        whole + b"\0\0": "record 3 .* no record begins",
        records[0][:40]: "record 0 .* cut off",
    }.items():
        path.write_bytes(broken)
        with pytest.raises(RecordError, match=reason):
            ImageRecordDataset(path)


def test_broken_records_are_named(tmp_path: Path, photo: np.ndarray, encode: Encode) -> None:
    path = tmp_path / "a.rec"
    image = encode(photo, "PNG")
    for broken, reason in {
        part(b"short"): "record 0 of .*a.rec has 5 bytes",
        part(content(b"", 1.0)): "record 0 .*0 labels",
        part(struct.pack("<IfQQ", 1 << 30, 0, 0, 0) + image): "1073741824 labels",
        part(content(image, 1.0), flag=2): "flag 2",
        part(content(image, 1.0), flag=5): "flag 5",
        part(content(image, 1.0), flag=1) + part(b"1234", flag=0): "part 1 .* flag 0",
    }.items():
        path.write_bytes(broken)
        with pytest.raises(RecordError, match=reason):
            ImageRecordDataset(path)[0]
    path.write_bytes(part(content(image[:300], 1.0)))
    with pytest.raises(ImageError, match=r"cannot read record 0 of .*a.rec"):
        ImageRecordDataset(path)[0]


def test_an_index_of_another_file(tmp_path: Path, records: list[bytes]) -> None:
    path = tmp_path / "a.rec"
    path.write_bytes(b"".join(records))
    (tmp_path / "a.idx").write_text("0\t0\n1\t12\n2\t99999999\n")
    data = ImageRecordDataset(path)
    assert data[0][1] == 3.0
    for index in (1, 2):
        with pytest.raises(RecordError, match=f"record {index} .*its .idx belongs to another"):
            data[index]
    for text in ("0 0\n", "0\tzero\n", "\x00\x01"):
        (tmp_path / "a.idx").write_text(text)
        with pytest.raises(RecordError, match=r"a.idx is no record index"):
            read_index(tmp_path / "a.idx")


@pytest.mark.realdata
def test_cifar(data_root: Path) -> None:
    images, labels = ImageRecordDataset(data_root / "cifar10_jpg" / "dev_test2k.rec").load_arrays()
    assert images.shape == (2000, 32, 32, 3)
    assert np.bincount(labels).tolist() == [180, 193, 205, 193, 217, 202, 200, 198, 214, 198]


@pytest.mark.realdata
def test_records_with_many_labels(data_root: Path) -> None:
    data = ImageRecordDataset(data_root / "recordio" / "sample-data_train.rec")
    rows = (data_root / "recordio" / "sample-data_train.lst").read_text().splitlines()
    expected = {tuple(map(float, row.split("\t")[1:-1])) for row in rows}
    assert {tuple(np.asarray(label).tolist()) for _, label in data} == expected
    assert {image.shape for image, _ in data} == {(32, 280, 3)}
