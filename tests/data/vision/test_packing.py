from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from toolkit.data.pipeline import LoadingError
from toolkit.data.vision.image import read_image
from toolkit.data.vision.listing import ImageListDataset
from toolkit.data.vision.packing import Packing, encode_image, find_items, list_line
from toolkit.data.vision.pixels import ImageError
from toolkit.data.vision.recordio import ImageRecordDataset

Encode = Callable[..., bytes]


@pytest.fixture
def folder(tmp_path: Path, photo: np.ndarray, encode: Encode) -> Path:
    """Ten pictures of three classes, told apart by their first pixel."""
    for i in range(10):
        image = photo.copy()
        image[0, 0] = i
        path = tmp_path / "images" / "abc"[i % 3] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(image, "PNG"))
    return tmp_path / "images"


def contents(path: Path) -> dict[int, float]:
    """The label of each picture of a record file."""
    return {int(image[0, 0, 0]): label for image, label in ImageRecordDataset(path)}  # type: ignore[misc]


def test_a_folder(folder: Path, tmp_path: Path) -> None:
    (packed,) = Packing(seed=1).pack(folder, tmp_path / "out" / "set")
    assert (packed.path, packed.written, packed.skipped) == (tmp_path / "out" / "set.rec", 10, 0)
    assert contents(packed.path) == {i: float(i % 3) for i in range(10)}
    listed = ImageListDataset(packed.path.with_suffix(".lst"), root=folder)
    for (one, label), (two, other) in zip(ImageRecordDataset(packed.path), listed, strict=True):
        np.testing.assert_array_equal(one, two)
        assert label == other
    assert list(contents(packed.path)) != sorted(contents(packed.path))  # shuffled


def test_the_same_again_for_any_number_of_workers(folder: Path, tmp_path: Path) -> None:
    for workers in (0, 2):
        Packing(resize=20, quality=80, workers=workers).pack(folder, tmp_path / str(workers))
    for suffix in (".rec", ".idx", ".lst"):
        a, b = ((tmp_path / name).with_suffix(suffix).read_bytes() for name in "02")
        assert a == b
    assert ImageRecordDataset(tmp_path / "0.rec")[0][0].shape == (20, 28, 3)


def test_a_split(folder: Path, tmp_path: Path) -> None:
    packed = Packing(train_ratio=0.6, test_ratio=0.2).pack(folder, tmp_path / "s")
    assert {p.path.name: p.written for p in packed} == {
        "s_train.rec": 6,
        "s_test.rec": 2,
        "s_val.rec": 2,
    }
    assert sorted(i for p in packed for i in contents(p.path)) == list(range(10))
    two = Packing(train_ratio=0.7).pack(folder, tmp_path / "t")
    assert [(p.path.name, p.written) for p in two] == [("t_train.rec", 7), ("t_val.rec", 3)]


def test_a_list_keeps_order_numbers_and_labels(folder: Path, tmp_path: Path) -> None:
    (folder / "x.lst").write_text("7\t1.5\t2\tb/1.png\n3\t0\t16777217\ta/0.png\n")
    (packed,) = Packing().pack(folder / "x.lst", tmp_path / "x")
    assert (tmp_path / "x.idx").read_text().startswith("7\t0\n3\t")
    assert [np.asarray(label).tolist() for _, label in ImageRecordDataset(packed.path)] == [
        [1.5, 2.0],
        [0.0, 16777216.0],
    ]
    assert (tmp_path / "x.lst").read_text() == "7\t1.5\t2\tb/1.png\n3\t0\t16777217\ta/0.png\n"


@pytest.mark.parametrize("workers", [0, 1])
def test_unreadable_pictures_are_skipped_or_raised(
    folder: Path, tmp_path: Path, workers: int
) -> None:
    (folder / "a" / "0.png").write_bytes(b"no picture")
    (folder / "b" / "1.png").write_bytes((folder / "b" / "4.png").read_bytes()[:200])
    with pytest.raises(LoadingError, match=r"cannot read .*\.png"):
        Packing(workers=workers).pack(folder, tmp_path / "x")
    assert not list(tmp_path.glob("*.*"))
    (packed,) = Packing(workers=workers, on_error="skip").pack(folder, tmp_path / "x")
    assert (packed.written, packed.skipped) == (8, 2)
    assert len((tmp_path / "x.lst").read_text().splitlines()) == len(contents(packed.path)) == 8


def test_what_is_stored(photo: np.ndarray, encode: Encode) -> None:
    png, jpeg, bmp = (encode(photo, kind) for kind in ("PNG", "JPEG", "BMP"))
    assert encode_image(png, "x", None, None) == png
    assert encode_image(jpeg, "x", 43, None) == jpeg  # not made larger
    assert read_image(encode_image(png, "x", 10, None)).shape == (10, 14, 3)
    stored = read_image(encode_image(bmp, "x", None, None))
    assert np.abs(stored.astype(int) - photo).mean() < 4
    assert len(encode_image(png, "x", None, 30)) < len(encode_image(png, "x", None, 90))


def test_turned_pictures_are_stored_upright(photo: np.ndarray, encode: Encode) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encode(photo, "JPEG", exif=exif.tobytes())
    stored = encode_image(turned, "x", None, None)
    assert stored != turned
    assert Image.open(io.BytesIO(stored)).size == (43, 61)


def test_numbers_in_lists(tmp_path: Path) -> None:
    root = Path("data")
    assert list_line(3, (1.0, 0.25), root / "a" / "x y.jpg", root) == "3\t1\t0.25\ta/x y.jpg\n"
    assert list_line(0, (1234567.0,), Path("/other/x.jpg"), root) == "0\t1234567\t/other/x.jpg\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resize": 0}, "resize 0"),
        ({"quality": 101}, "quality 101 is not within 1..100"),
        ({"train_ratio": 0.9, "test_ratio": 0.2}, "at most 1 together"),
        ({"train_ratio": -0.1}, "train_ratio -0.1"),
        ({"workers": -1}, "workers -1"),
        ({"on_error": "ignore"}, "unknown on_error 'ignore'"),
    ],
)
def test_bad_options_are_named(
    folder: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Packing(**options).pack(folder, tmp_path / "x")


def test_bad_sources_are_named(folder: Path, tmp_path: Path) -> None:
    for text, message in (
        ("", "lists no pictures"),
        ("0\ta/0.png\n", "line 1"),
        ("x\t1\ta/0.png\n", "begins with no number"),
    ):
        (tmp_path / "x.lst").write_text(text)
        with pytest.raises(ValueError, match=message):
            find_items(tmp_path / "x.lst")
    with pytest.raises(ValueError, match=r"nowhere is neither a folder of class folders nor"):
        find_items(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="leave the set test empty"):
        Packing(train_ratio=0.9, test_ratio=0.02).pack(folder, tmp_path / "x")
    for path in folder.rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="none of the 10 pictures"):
        Packing(on_error="skip").pack(folder, tmp_path / "x")
    with pytest.raises(ImageError, match="cannot read gone"):
        encode_image(b"", "gone", None, None)


@pytest.mark.realdata
def test_real_photographs(data_root: Path, tmp_path: Path) -> None:
    rows = []
    for number, path in enumerate(sorted((data_root / "imagenet_samples").glob("*.JPEG"))[:12]):
        rows.append(f"{number}\t{number % 4}\t{path}\n")
    (tmp_path / "x.lst").write_text("".join(rows))
    recordio = pytest.importorskip("mxnet.recordio")
    Packing(resize=64).pack(tmp_path / "x.lst", tmp_path / "out")
    reader = recordio.MXIndexedRecordIO(str(tmp_path / "out.idx"), str(tmp_path / "out.rec"), "r")
    for number in range(12):
        header, image = recordio.unpack_img(reader.read_idx(number))
        assert header.label == number % 4
        assert min(image.shape[:2]) == 64
    reader.close()


@pytest.mark.realdata
def test_real_lists(data_root: Path) -> None:
    for kind, first in (("train", 8), ("test", 0)):
        items = find_items(data_root / "recordio" / f"sample-data_{kind}.lst")
        assert items[0][0] == first
        assert {len(labels) for _, _, labels in items} == {20}
