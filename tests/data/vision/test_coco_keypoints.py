"""Persons with joints in COCO's layout."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.data.vision import AnnotationError, COCOKeypointDataset
from toolkit.utils.boxes import BoxError
from toolkit.utils.skeletons import COCO_PERSON, Skeleton

JOINTS = ["nose", "left_hand", "right_hand"]
PERSON = {"bbox": [10, 5, 20, 30], "keypoints": [15, 8, 2, 0, 0, 0, 25, 20, 1]}
CROWD = {"bbox": [0, 0, 60, 40], "iscrowd": 1, "keypoints": [1, 1, 2] * 3}
FAR = {"bbox": [5, 5, 9, 9], "keypoints": [0] * 9}
DOG = {"bbox": [0, 0, 9, 9], "category_id": 18}


@pytest.fixture
def make(tmp_path: Path, photo: np.ndarray, encode: Callable[..., bytes]) -> Callable[..., Path]:
    """Writes pictures of 61 x 43 pixels with such bodies, and gives their annotations."""

    def run(*pictures: list[dict[str, Any]]) -> Path:
        for folder in ("annotations", "tiny"):
            (tmp_path / folder).mkdir(exist_ok=True)
        rows = []
        for place, bodies in enumerate(pictures):
            (tmp_path / "tiny" / f"{place}.png").write_bytes(encode(photo, "PNG"))
            rows += [{"id": 1, "image_id": 70 + place, "category_id": 1, **b} for b in bodies]
        data = {
            "categories": [
                {"id": 18, "name": "dog"},
                {"id": 1, "name": "person", "keypoints": JOINTS, "skeleton": [[1, 2], [1, 3]]},
            ],
            "images": [
                {"id": 70 + i, "file_name": f"{i}.png", "height": 43, "width": 61}
                for i in range(len(pictures))
            ],
            "annotations": rows,
        }
        path = tmp_path / "annotations" / "person_keypoints_tiny.json"
        path.write_text(json.dumps(data))
        return path

    return run


def test_each_person_is_a_sample(make: Callable[..., Path], photo: np.ndarray) -> None:
    data = COCOKeypointDataset(make([PERSON, CROWD], [], [FAR, PERSON, DOG]))
    assert (len(data), data.skipped) == (2, 0)
    assert [item.number for item in data.items] == [70, 72]
    names = ("nose", "left hand", "right hand")
    assert data.skeleton == Skeleton(names, bones=((0, 1), (0, 2)))
    image, box, joints = data[1]
    np.testing.assert_array_equal(image, photo)
    np.testing.assert_array_equal(box, np.float32([10, 5, 30, 35]))
    np.testing.assert_array_equal(joints, np.float32([[15, 8, 2], [0, 0, 0], [25, 20, 1]]))
    joints[:] = 0  # a sample is a copy
    assert data[1][2].any()
    assert len(pickle.loads(pickle.dumps(data))) == 2


def test_how_many_joints_a_person_has_at_least(make: Callable[..., Path]) -> None:
    assert len(COCOKeypointDataset(make([PERSON, FAR]), least=0)) == 2
    with pytest.raises(ValueError, match="has no person with 3 joints or more"):
        COCOKeypointDataset(make([PERSON, FAR]), least=3)


def test_persons_may_be_those_that_a_detector_found(
    make: Callable[..., Path], tmp_path: Path
) -> None:
    path = make([PERSON, CROWD], [], [PERSON])
    rows = [
        {"image_id": 71, "category_id": 1, "bbox": [1, 2, 30, 40], "score": 0.75},
        {"image_id": 71, "category_id": 18, "bbox": [1, 2, 30, 40], "score": 0.9},
        {"image_id": 70, "category_id": 1, "bbox": [3, 4, 5, 6], "score": 0.25},
        {"image_id": 99, "category_id": 1, "bbox": [3, 4, 5, 6], "score": 0.25},
    ]
    (tmp_path / "found.json").write_text(json.dumps(rows))
    data = COCOKeypointDataset(path, detections=tmp_path / "found.json")
    assert [(item.number, item.score) for item in data.items] == [(70, 0.25), (71, 0.75)]
    assert data.pictures == (70, 71, 72)
    _, box, joints = data[1]
    assert (box.tolist(), joints.shape, joints.any()) == ([1, 2, 31, 42], (3, 3), False)
    (tmp_path / "found.json").write_text("[]")
    with pytest.raises(ValueError, match=r"has no person in .*found\.json"):
        COCOKeypointDataset(path, detections=tmp_path / "found.json")
    (tmp_path / "found.json").write_text('[{"image_id": 1}]')
    with pytest.raises(
        AnnotationError, match=r"is no file of detections, as COCO has them: 'bbox'"
    ):
        COCOKeypointDataset(path, detections=tmp_path / "found.json")
    with pytest.raises(AnnotationError, match="cannot read the detections"):
        COCOKeypointDataset(path, detections=tmp_path / "none.json")


def test_boxes_that_are_none(make: Callable[..., Path]) -> None:
    path = make([PERSON, {**PERSON, "bbox": [50, 5, 20, 30]}])
    with pytest.raises(BoxError, match=r"object 1, a body, has the box 50, 5, 20, 30"):
        COCOKeypointDataset(path)
    assert COCOKeypointDataset(path, invalid="skip").skipped == 1
    clipped = COCOKeypointDataset(path, invalid="clip")
    assert clipped.items[1].box.tolist() == [50, 5, 61, 35]


def test_what_is_wrong_is_told(make: Callable[..., Path], tmp_path: Path) -> None:
    path = make([PERSON])
    with pytest.raises(ValueError, match=r"unknown category 'persons'.*person"):
        COCOKeypointDataset(path, category="persons")
    with pytest.raises(ValueError, match="has no joints of 'dog'"):
        COCOKeypointDataset(path, category="dog")
    with pytest.raises(AnnotationError, match="three numbers for each joint in annotation 1"):
        COCOKeypointDataset(make([{**PERSON, "keypoints": [1, 2, 2]}]))
    path = make([PERSON])
    (tmp_path / "tiny" / "0.png").unlink()
    with pytest.raises(AnnotationError, match=r"a picture that is not there: .*0\.png"):
        COCOKeypointDataset(path)
    data = json.loads(make([PERSON]).read_text())
    data["images"][0]["width"] = 60
    path.write_text(json.dumps(data))
    with pytest.raises(AnnotationError, match=r"\(43, 61\) pixels, and .* says \(43, 60\)"):
        COCOKeypointDataset(path)[0]


@pytest.mark.realdata
@pytest.mark.parametrize(("split", "count"), [("train2017", 57), ("val2017", 46)])
def test_tiny_coco(data_root: Path, split: str, count: int) -> None:
    root = data_root / "tiny_coco/tiny_coco"
    data = COCOKeypointDataset(root / f"annotations/person_keypoints_{split}.json")
    assert (len(data), data.skeleton, data.skipped) == (count, COCO_PERSON, 0)
    for item in data.items:
        seen = item.joints[item.joints[:, 2] > 0, :2]
        assert ((seen >= 0) & (seen < item.size[::-1])).all()
    image, _, _ = data[0]
    assert image.shape[:2] == data.items[0].size


@pytest.mark.realdata
def test_samples_of_mmpose(data_root: Path) -> None:
    folder = data_root / "mmpose_samples/tests/data/coco"
    data = COCOKeypointDataset(folder / "test_coco.json", folder)
    assert len({item.number for item in data.items}) == 4
    assert data[0][2].shape == (17, 3)
    detections = folder / "test_coco_det_AP_H_56.json"
    found = COCOKeypointDataset(
        folder / "test_coco.json", folder, detections=detections, invalid="clip"
    )
    assert len(found) + found.skipped == 118
