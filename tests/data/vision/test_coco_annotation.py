"""COCO's annotation files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.data.vision.coco_annotation import draw_segmentation, read_coco_annotations
from toolkit.data.vision.voc_annotation import AnnotationError
from toolkit.utils.rle import encode_mask
from toolkit.utils.skeletons import COCO_PERSON, Skeleton


def content() -> dict[str, Any]:
    return {
        "images": [{"id": 7, "file_name": "a.jpg", "height": 20, "width": 30}],
        "categories": [{"id": 18, "name": "dog"}, {"id": 3, "name": "cat"}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 18, "bbox": [1, 2, 3, 4]}],
    }


def write(path: Path, data: Any) -> Path:
    path.write_text(json.dumps(data))
    return path


def test_what_is_read(tmp_path: Path) -> None:
    read = read_coco_annotations(write(tmp_path / "a.json", content()))
    assert list(read.categories.items()) == [(3, "cat"), (18, "dog")]
    (picture,) = read.pictures
    assert (picture.id, picture.filename, picture.size) == (7, "a.jpg", (20, 30))
    (thing,) = picture.objects
    assert (thing.category, thing.box, thing.crowd) == (18, (1, 2, 3, 4), False)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("image_id", 8, "annotation 1 has the image_id 8, which is not there"),
        ("category_id", 4, "annotation 1 has the category_id 4"),
        ("bbox", [1, 2], "a bbox of four numbers in annotation 1"),
    ],
)
def test_a_broken_object_is_named(tmp_path: Path, key: str, value: Any, message: str) -> None:
    data = content()
    data["annotations"][0][key] = value
    with pytest.raises(AnnotationError, match=message):
        read_coco_annotations(write(tmp_path / "a.json", data))


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="cannot read the annotations"):
        read_coco_annotations(tmp_path / "none.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(AnnotationError, match="is no JSON"):
        read_coco_annotations(tmp_path / "a.json")
    with pytest.raises(AnnotationError, match="must hold images, annotations and categories"):
        read_coco_annotations(write(tmp_path / "a.json", {"images": []}))


def test_joints_are_read_with_what_is_known_of_them(tmp_path: Path) -> None:
    data = content()
    data["categories"][0] |= {"keypoints": ["left_ear", "right_ear"], "skeleton": [[1, 2]]}
    data["categories"][1] |= {"keypoints": [n.replace(" ", "_") for n in COCO_PERSON.labels]}
    data["annotations"][0]["keypoints"] = [1, 2, 2, 0, 0, 0]
    read = read_coco_annotations(write(tmp_path / "a.json", data))
    assert read.pictures[0].objects[0].keypoints == (1, 2, 2, 0, 0, 0)
    ears = Skeleton(("left ear", "right ear"), bones=((0, 1),))
    assert read.skeletons == {18: ears, 3: COCO_PERSON}
    data["annotations"][0]["keypoints"] = [1, 2, 2]
    with pytest.raises(AnnotationError, match="three numbers for each joint in annotation 1"):
        read_coco_annotations(write(tmp_path / "a.json", data))


def test_masks_of_polygons_runs_and_boxes() -> None:
    size, box = (8, 10), (2, 1, 4, 3)
    expected = np.zeros(size, np.uint8)
    expected[1:4, 2:6] = 1
    polygon = [[2, 1, 6, 1, 6, 4, 2, 4]]
    for form in (polygon, encode_mask(expected), None):
        np.testing.assert_array_equal(draw_segmentation(form, size, box), expected)
    both = draw_segmentation([*polygon, [7, 5, 9, 5, 9, 7, 7, 7]], size, box)
    assert both.sum() == expected.sum() + 4


def test_what_is_no_segmentation_is_told() -> None:
    for wrong in ([[1, 2, 3]], {"size": [8, 10], "counts": [3]}):
        with pytest.raises(AnnotationError, match="no polygons and no run-length mask"):
            draw_segmentation(wrong, (8, 10), (0, 0, 1, 1))
    with pytest.raises(AnnotationError, match=r"a mask of \(2, 2\) pixels"):
        draw_segmentation({"size": [2, 2], "counts": [4]}, (8, 10), (0, 0, 1, 1))
