from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from toolkit.data import DataLoader
from toolkit.data.batchify import List
from toolkit.data.vision import (
    BoxLabelDataset,
    ImageListDataset,
    ImageRecordDataset,
    image_record_writer,
)
from toolkit.data.vision.image import ImageError
from toolkit.data.vision.voc_annotation import AnnotationError
from toolkit.utils.boxes import BoxError

CLASSES = ("cat", "dog")
# header of 4 (sides of the picture, as im2rec users write them), objects of 6
TWO = [4, 6, 80, 40, 1, 0.1, 0.25, 0.5, 0.75, 0, 0, 0.5, 0.5, 1, 1, 1]
NONE = [2, 5]
FILLED = [2, 5, 0, 0, 0, 0.5, 1, -1, -1, -1, -1, -1]


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    lines = []
    for i, label in enumerate((TWO, NONE, FILLED)):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((40, 80, 3), 60 * i, np.uint8))
        lines.append("\t".join(map(str, [i, *label, f"{i}.png"])))
    (tmp_path / "train.lst").write_text("\n".join(lines))
    return tmp_path / "train.lst"


def opened(listed: Path, kind: str, **options: str) -> BoxLabelDataset:
    if kind == "lst":
        return BoxLabelDataset(ImageListDataset(listed), CLASSES, **options)
    path = listed.with_suffix(".rec")
    with image_record_writer(path) as writer:
        for name, label in ImageListDataset(listed).items:
            writer.write((listed.parent / name).read_bytes(), np.array(label, np.float32))
    return BoxLabelDataset(ImageRecordDataset(path), CLASSES, **options)


@pytest.mark.parametrize("kind", ["lst", "rec"])
def test_boxes_are_in_pixels(listed: Path, kind: str) -> None:
    data = opened(listed, kind)
    assert len(data) == 3
    image, boxes, ids, difficult = data[0]
    assert image.shape == (40, 80, 3)
    np.testing.assert_allclose(boxes, [[8, 10, 40, 30], [40, 20, 80, 40]], atol=1e-5)
    assert (boxes.dtype, ids.dtype, difficult.dtype) == (np.float32, np.int64, bool)
    assert (ids.tolist(), difficult.tolist()) == ([1, 0], [False, True])
    assert data[1][1].shape == (0, 4)
    assert data[2][1].tolist() == [[0, 0, 40, 40]]


@pytest.mark.parametrize(
    ("row", "box"),
    [
        ("inverted", [0.5, 0.2, 0.1, 0.6]),
        ("no area", [0.5, 0.2, 0.5, 0.6]),
        ("beyond", [0.5, 0.2, 1.5, 0.6]),
        ("NaN", [0.5, "nan", 0.9, 0.6]),
    ],
)
def test_what_is_no_box_is_raised_or_skipped(listed: Path, row: str, box: list) -> None:
    label = [2, 5, 0, *box, 1, 0.1, 0.1, 0.6, 0.6]
    listed.write_text("\t".join(map(str, [0, *label, "0.png"])))
    with pytest.raises(BoxError, match="object 0, a cat"):
        opened(listed, "lst")[0]
    assert opened(listed, "lst", invalid="skip")[0][2].tolist() == [1]
    clipped = opened(listed, "lst", invalid="clip")[0][2].tolist()
    assert clipped == ([0, 1] if row == "beyond" else [1])


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ([3], r"no packed boxes for a label, but \[3"),
        ([2, 5, 0, 0.1, 0.2, 0.3], "6 numbers is not a header of 2 and objects of 5"),
        ([2, 4, 0, 0.1, 0.2, 0.3], "at least 2 and 5"),
        ([9, 5, 0, 0.1, 0.2, 0.3], "6 numbers is not a header of 9"),
        ([2, 5, 2, 0.1, 0.2, 0.3, 0.4], "class index 2 of 2 classes"),
    ],
)
def test_wrong_labels_are_explained(listed: Path, label: list[float], reason: str) -> None:
    listed.write_text("\t".join(map(str, [0, *label, "0.png"])))
    with pytest.raises(AnnotationError, match=f"sample 0 of .*train.lst.*{reason}"):
        opened(listed, "lst")[0]


def test_missing_and_corrupt_pictures_are_skipped_and_counted(listed: Path) -> None:
    (listed.parent / "0.png").write_bytes(b"no picture")
    (listed.parent / "1.png").unlink()
    data = opened(listed, "lst")
    for place in (0, 1):
        with pytest.raises(ImageError):
            data[place]
    loader = DataLoader(data, 3, batchify=List(), on_error="skip")
    assert [len(batch) for batch in loader] == [1]
    assert loader.skipped == 2


def test_classes_are_needed(listed: Path) -> None:
    with pytest.raises(ValueError, match="names of at least one class"):
        BoxLabelDataset(ImageListDataset(listed), ())
    with pytest.raises(ValueError, match="unknown way with invalid boxes"):
        opened(listed, "lst", invalid="drop")
