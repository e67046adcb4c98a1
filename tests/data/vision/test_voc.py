from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from toolkit.data.vision.image import ImageError
from toolkit.data.vision.voc import VOCDetectionDataset, annotation_paths
from toolkit.data.vision.voc_annotation import AnnotationError
from toolkit.utils.boxes import BoxError

Objects = Sequence[tuple[str, Sequence[float]]]  # of a picture of 61 x 43 pixels
GOOD: dict[str, Objects] = {
    "a": [("dog", (1, 1, 61, 43)), ("cat", (11, 6, 20, 30))],
    "b": [],
    "c": [("cat", (2, 3, 4, 5))],
}
BAD = {
    "out": ("cat", (20, 10, 70, 30)),
    "far out": ("cat", (70, 10, 90, 30)),
    "inverted": ("cat", (20, 30, 10, 40)),
    "a point": ("cat", (20, 30, 20, 30)),
    "nan": ("cat", (float("nan"), 1, 9, 9)),
}

SPLITS = {"train": 205, "val": 87, "test": 72}  # of real pictures


@pytest.fixture
def make(tmp_path: Path, photo: np.ndarray, encode: Callable[..., bytes]) -> Callable[..., Path]:
    """Writes a folder of VOC's layout with one split, ``train``."""

    def run(pictures: dict[str, Objects], folder: str = "", size: bool = True) -> Path:
        root = tmp_path / folder
        for name in ("JPEGImages", "Annotations", "ImageSets/Main"):
            (root / name).mkdir(parents=True, exist_ok=True)
        (root / "ImageSets" / "Main" / "train.txt").write_text(
            "".join(f"{name}  1\n" for name in pictures) + "\n"
        )
        for name, objects in pictures.items():
            (root / "JPEGImages" / f"{name}.jpg").write_bytes(encode(photo, "PNG"))
            body = "<size><height>43</height><width>61</width></size>" * size
            for label, box in objects:
                sides = zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
                written = "".join(f"<{side}>{value}</{side}>" for side, value in sides)
                hard = f"<difficult>{int(label == 'dog')}</difficult>"
                body += f"<object><name>{label}</name>{hard}<bndbox>{written}</bndbox></object>"
            (root / "Annotations" / f"{name}.xml").write_text(f"<annotation>{body}</annotation>")
        return tmp_path

    return run


def test_samples(make: Callable[..., Path], photo: np.ndarray) -> None:
    data = VOCDetectionDataset(make(GOOD), "train")
    assert (data.classes, len(data), data.skipped) == (("cat", "dog"), 3, 0)
    image, boxes, ids, difficult = data[0]
    np.testing.assert_array_equal(image, photo)
    # The first pixel is from 0 to 1: the whole image is from 0 to its sides.
    assert boxes.tolist() == [[0, 0, 61, 43], [10, 5, 20, 30]]
    assert (ids.tolist(), difficult.tolist()) == ([1, 0], [True, False])
    assert [array.dtype for array in (boxes, ids, difficult)] == [np.float32, np.int64, bool]
    boxes[:] = -1
    assert data[0][1].min() == 0  # a transform in place spoils nothing
    assert [len(pickle.loads(pickle.dumps(data))[i][1]) for i in range(3)] == [2, 0, 1]


def test_pictures_without_objects(make: Callable[..., Path]) -> None:
    root = make(GOOD)
    _, boxes, ids, difficult = VOCDetectionDataset(root, "train")[1]
    assert (boxes.shape, ids.shape, difficult.shape) == ((0, 4), (0,), (0,))
    assert len(VOCDetectionDataset(root, "train", keep_empty=False)) == 2
    with pytest.raises(ValueError, match="has no pictures to offer in train"):
        VOCDetectionDataset(make({"b": []}), "train", keep_empty=False)


def test_numbers_may_be_edges(make: Callable[..., Path]) -> None:
    data = VOCDetectionDataset(make({"a": [("cat", (0, 2, 61, 43))]}), "train", one_based=False)
    assert data[0][1].tolist() == [[0, 2, 61, 43]]


@pytest.mark.parametrize("size", [True, False])  # else it is that of the picture
@pytest.mark.parametrize("bad", BAD)
def test_boxes_that_are_none(
    make: Callable[..., Path], bad: str, size: bool, caplog: pytest.LogCaptureFixture
) -> None:
    root = make({"a": [("dog", (1, 1, 9, 9)), BAD[bad], ("cat", (0, 1, 62, 9))]}, size=size)
    with pytest.raises(BoxError, match=r"a.xml: object 1, a cat, has the box .* of 61 x 43"):
        VOCDetectionDataset(root, "train")
    with caplog.at_level(logging.WARNING):
        data = VOCDetectionDataset(root, "train", invalid="skip")
    assert "1 boxes of" in caplog.text
    # One pixel beyond is always cut off.
    assert data[0][1].tolist() == [[0, 0, 9, 9], [0, 0, 61, 9]]
    assert (data.skipped, data[0][2].tolist(), data[0][3].tolist()) == (1, [1, 0], [True, False])
    clipped = VOCDetectionDataset(root, "train", invalid="clip")
    assert clipped.skipped == (bad != "out")
    if bad == "out":
        assert clipped[0][1][1].tolist() == [19, 9, 61, 30]


def test_splits_can_be_put_together(make: Callable[..., Path]) -> None:
    make(GOOD, "VOC2007")
    root = make({"d": [("cow", (1, 1, 5, 5))]}, "VOC2012")
    data = VOCDetectionDataset(root, ["VOC2007/train", "VOC2012/train"])
    assert [item.image.stem for item in data.items] == ["a", "b", "c", "d"]
    assert data.classes == ("cat", "cow", "dog")
    with pytest.raises(ValueError, match=r"ImageSets.Main is not there; splits are looked for"):
        annotation_paths(root, "train")


def test_errors(make: Callable[..., Path]) -> None:
    root = make(GOOD)
    with pytest.raises(ValueError, match="unknown split 'trains'; did you mean train"):
        VOCDetectionDataset(root, "trains")
    with pytest.raises(ValueError, match=r"a.xml: unknown class 'dog'; did you mean dogs"):
        VOCDetectionDataset(root, "train", classes=["cat", "dogs"])
    with pytest.raises(ValueError, match="unknown way with invalid boxes 'drop'"):
        VOCDetectionDataset(root, "train", invalid="drop")
    (root / "JPEGImages" / "c.jpg").write_bytes(b"")
    with pytest.raises(ImageError, match=r"c.jpg: it is empty"):
        VOCDetectionDataset(root, "train")[2]
    (root / "JPEGImages" / "c.jpg").rename(root / "JPEGImages" / "c.png")
    assert VOCDetectionDataset(root, "train").items[2].image.name == "c.png"
    (root / "JPEGImages" / "c.png").unlink()
    with pytest.raises(AnnotationError, match=r"c.xml is of a picture that is not there: .*c.jpg"):
        VOCDetectionDataset(root, "train")
    (root / "Annotations" / "a.xml").unlink()
    with pytest.raises(AnnotationError, match=r"cannot read the annotation .*a.xml"):
        VOCDetectionDataset(root, "train")


@pytest.mark.realdata
def test_real_pictures(data_root: Path) -> None:
    root = data_root / "bccd" / "BCCD"
    if not root.is_dir():
        pytest.skip(f"{root} is not there")
    splits = {name: VOCDetectionDataset(root, name, invalid="skip") for name in SPLITS}
    assert {name: len(data) for name, data in splits.items()} == SPLITS
    assert {data.classes for data in splits.values()} == {("Platelets", "RBC", "WBC")}
    boxes = sum(len(item.ids) for data in splits.values() for item in data.items)
    skipped = sum(data.skipped for data in splits.values())
    assert (boxes + skipped, skipped) == (4888, 2)  # two are points
    image, boxes, ids, _ = splits["val"][0]
    assert image.shape == (480, 640, 3)
    assert len(boxes) == len(ids) > 0
    assert boxes.min() >= 0
    assert (boxes <= [640, 480, 640, 480]).all()
