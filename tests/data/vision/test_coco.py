"""Pictures with boxes and masks in COCO's layout."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.data.vision.coco import COCODetectionDataset
from toolkit.data.vision.voc_annotation import AnnotationError
from toolkit.utils.boxes import BoxError, iou

Objects = list[dict[str, Any]]  # of a picture of 61 x 43 pixels
DOG = {"category_id": 18, "bbox": [0, 0, 61, 43], "segmentation": [[0, 0, 61, 0, 61, 43, 0, 43]]}
CAT = {"category_id": 3, "bbox": [10, 5, 20, 30], "segmentation": [[10, 5, 30, 5, 30, 35]]}
CROWD = {
    "category_id": 3,
    "bbox": [0, 0, 2, 43],
    "iscrowd": 1,
    "segmentation": {"size": [43, 61], "counts": [0, 86, 43 * 59]},
}


@pytest.fixture
def make(tmp_path: Path, photo: np.ndarray, encode: Callable[..., bytes]) -> Callable[..., Path]:
    """Writes a split ``tiny`` and gives its annotations."""

    def run(pictures: dict[str, Objects]) -> Path:
        for folder in ("annotations", "tiny"):
            (tmp_path / folder).mkdir(exist_ok=True)
        for name in pictures:
            (tmp_path / "tiny" / f"{name}.jpg").write_bytes(encode(photo, "PNG"))
        data = {
            "categories": [{"id": 3, "name": "cat"}, {"id": 18, "name": "dog"}],
            "images": [
                {"id": 100 + i, "file_name": f"{name}.jpg", "height": 43, "width": 61}
                for i, name in enumerate(pictures)
            ],
            "annotations": [
                {"id": 1, "iscrowd": 0, "image_id": 100 + i, **thing}
                for i, things in enumerate(pictures.values())
                for thing in things
            ],
        }
        path = tmp_path / "annotations" / "instances_tiny.json"
        path.write_text(json.dumps(data))
        return path

    return run


def test_samples(make: Callable[..., Path], photo: np.ndarray) -> None:
    data = COCODetectionDataset(make({"a": [DOG, CAT], "b": [], "c": [CROWD]}))
    assert (data.classes, data.category_ids) == (("cat", "dog"), (3, 18))
    assert (len(data), data.skipped, data.items[2].number) == (3, 0, 102)
    image, boxes, ids, crowd = data[0]
    np.testing.assert_array_equal(image, photo)
    assert boxes.tolist() == [[0, 0, 61, 43], [10, 5, 30, 35]]
    assert (ids.tolist(), crowd.tolist()) == ([1, 0], [False, False])
    assert [array.dtype for array in (boxes, ids, crowd)] == [np.float32, np.int64, bool]
    assert data[1][1].shape == (0, 4)
    assert data[2][3].tolist() == [True]
    assert [len(pickle.loads(pickle.dumps(data))[i][1]) for i in range(3)] == [2, 0, 1]


def test_masks_lie_in_their_boxes(make: Callable[..., Path]) -> None:
    data = COCODetectionDataset(make({"a": [DOG, CAT, CROWD], "b": []}), masks=True)
    _, boxes, _, _, masks = data[0]
    assert (masks.shape, masks.dtype) == ((3, 43, 61), np.uint8)
    assert masks[0].all()
    assert masks[2].sum() == 86
    for mask, (x0, y0, x1, y1) in zip(masks, boxes.astype(int), strict=True):
        assert mask[y0:y1, x0:x1].sum() == mask.sum() > 0
    assert data[1][4].shape == (0, 43, 61)


def test_what_is_left_out(make: Callable[..., Path]) -> None:
    path = make({"a": [DOG, CROWD, {**CAT, "bbox": [5, 5, 0, 9]}], "b": [], "c": [CROWD]})
    with pytest.raises(BoxError, match=r"a.jpg: object 2, a cat, has the box 5, 5, 0, 9"):
        COCODetectionDataset(path)
    data = COCODetectionDataset(path, crowd=False, invalid="skip", keep_empty=False, masks=True)
    assert (len(data), data.skipped) == (1, 1)
    assert data[0][2].tolist() == [1]
    assert len(data[0][4]) == 1


def test_classes_may_be_in_another_order_or_more(make: Callable[..., Path]) -> None:
    path = make({"a": [DOG, CAT]})
    data = COCODetectionDataset(path, classes=("dog", "cow", "cat"))
    assert data[0][2].tolist() == [0, 2]
    assert data.category_ids == (18, -1, 3)
    with pytest.raises(ValueError, match="unknown class 'cat'"):
        COCODetectionDataset(path, classes=("dog",))


def test_what_is_missing_is_named(make: Callable[..., Path], tmp_path: Path) -> None:
    path = make({"a": [DOG]})
    with pytest.raises(AnnotationError, match=r"elsewhere.*a.jpg"):
        COCODetectionDataset(path, tmp_path / "elsewhere")
    with pytest.raises(AnnotationError, match="give the folder of the pictures: images="):
        COCODetectionDataset(path.rename(path.with_name("instances_other.json")))
    with pytest.raises(ValueError, match="has no pictures to offer"):
        COCODetectionDataset(make({}))


@pytest.mark.realdata
def test_real_pictures(data_root: Path) -> None:
    root = data_root / "tiny_coco" / "tiny_coco"
    data = COCODetectionDataset(root / "annotations" / "instances_train2017.json", masks=True)
    assert (len(data), len(data.classes), data.skipped) == (50, 80, 0)
    assert sum(len(item.ids) for item in data.items) == 470
    assert sum(item.crowd.sum() for item in data.items) == 5
    overlaps = []
    for index in range(10):
        image, boxes, _, crowd, masks = data[index]
        assert masks.shape[1:] == image.shape[:2]
        for mask, box in zip(masks[~crowd], boxes[~crowd], strict=True):
            rows, columns = np.nonzero(mask)
            found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            overlaps.append(iou(np.array([found]), box[None])[0, 0])
    assert np.median(overlaps) > 0.95
    assert min(overlaps) > 0.5  # polygons of small objects have spikes thinner than a pixel
