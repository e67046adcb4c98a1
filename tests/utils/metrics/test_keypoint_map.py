"""COCO's average precision of poses against its own code, called by hand."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.utils.metrics import KeypointMeanAP

COCO = pytest.importorskip("pycocotools.coco").COCO
COCOeval = pytest.importorskip("pycocotools.cocoeval").COCOeval
KEYS = ["oks_map", "oks_map_50", "oks_map_75"]


def person(number: int, image: int, seed: int, **more: Any) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    joints = np.concatenate([rng.uniform(50, 150, (17, 2)), rng.integers(0, 3, (17, 1))], 1)
    low, high = joints[:, :2].min(0), joints[:, :2].max(0)
    row = {"id": number, "image_id": image, "category_id": 1, "iscrowd": 0}
    return {
        **row,
        "keypoints": joints.ravel().tolist(),
        "num_keypoints": int((joints[:, 2] > 0).sum()),
        "bbox": [*low.tolist(), *(high - low).tolist()],
        "area": float(np.prod(high - low)),
        **more,
    }


@pytest.fixture
def annotations() -> dict[str, Any]:
    names = [f"joint {i}" for i in range(17)]
    dog = {"id": 6, "image_id": 3, "category_id": 18, "bbox": [0, 0, 9, 9], "area": 81}
    return {
        "images": [{"id": n, "height": 200, "width": 200} for n in (3, 7, 9)],
        "categories": [{"id": 18, "name": "dog"}, {"id": 1, "name": "person", "keypoints": names}],
        "annotations": [
            person(1, 3, 1),
            person(2, 3, 2),
            person(3, 7, 3),
            person(4, 7, 4, iscrowd=1),
            {**dog, "iscrowd": 0},
        ],
    }


def found(annotations: dict[str, Any], place: int, off: float) -> np.ndarray:
    """The joints of an annotation, ``(1, 17, 2)``, that are off by so many pixels."""
    joints = np.array(annotations["annotations"][place]["keypoints"]).reshape(1, 17, 3)[..., :2]
    return joints + np.random.default_rng(place).normal(0, off, joints.shape)


def official(annotations: dict, rows: list[dict], images: list[int], sigmas: Any) -> list[float]:
    people = [row for row in annotations["annotations"] if row["category_id"] == 1]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {**annotations, "annotations": people}
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(rows), "keypoints")
        evaluation.params.imgIds = images
        if sigmas is not None:
            evaluation.params.kpt_oks_sigmas = np.array(sigmas)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return list(evaluation.stats)


@pytest.mark.parametrize("deviations", [None, (0.05,) * 17])
def test_equals_the_official_code(annotations: dict, deviations: Any, tmp_path: Path) -> None:
    metric = KeypointMeanAP(annotations, deviations=deviations)
    metric.add(3, found(annotations, 0, 4), [0.9])
    metric.add(3, found(annotations, 1, 9), [0.8])  # person by person
    two = np.concatenate([found(annotations, 2, 6), found(annotations, 0, 0)])
    metric.add(7, np.concatenate([two, np.full((2, 17, 1), 0.7)], 2), [0.5, 0.7])
    metric.add(9, np.zeros((0, 17, 2)), [])
    metric.save(tmp_path / "results.json")
    text = (tmp_path / "results.json").read_text()
    rows = json.loads(text)
    assert rows == metric.results()
    assert [row["keypoints"][2] for row in rows] == [1, 1, 0.7, 0.7]
    values = metric.get()
    assert list(values)[:3] == KEYS
    expected = official(annotations, rows, [3, 7, 9], deviations)
    assert list(values.values()) == [value for value in expected if value >= 0]
    assert 0.1 < values["oks_map"] < 0.95
    assert metric.results() == json.loads(text)  # which the official reader did not change


def test_what_is_right_scores_one(annotations: dict) -> None:
    metric = KeypointMeanAP(annotations)
    with pytest.raises(ValueError, match="oks_map of no pictures"):
        metric.get()
    metric.add(7, found(annotations, 2, 0), [0.5])
    assert metric.get()["oks_map"] == pytest.approx(1)
    metric.reset()
    metric.add(7, np.zeros((0, 17, 2)), [])
    assert metric.get()["oks_map"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((4, np.zeros((1, 17, 2)), [1]), "picture 4 is not among"),
        ((3, np.zeros((1, 17, 2)), [1, 1]), r"2 poses of 17 joints, got \(1, 17, 2\)"),
        ((3, np.zeros((1, 16, 3)), [1]), "1 poses of 17 joints"),
        ((3, np.full((1, 17, 2), np.nan), [1]), "a pose of picture 3 is not finite"),
        ((3, np.zeros((1, 17, 2)), [np.inf]), "is not finite"),
    ],
)
def test_wrong_poses_are_explained(arguments: tuple, message: str, annotations: dict) -> None:
    with pytest.raises(ValueError, match=message):
        KeypointMeanAP(annotations).add(*arguments)


def test_wrong_arguments_are_explained(annotations: dict) -> None:
    with pytest.raises(ValueError, match="unknown category 'cat'; known: dog, person"):
        KeypointMeanAP(annotations, category="cat")
    with pytest.raises(ValueError, match="'dog' has 0 joints, and there are deviations of 17"):
        KeypointMeanAP(annotations, category="dog")
    with pytest.raises(ValueError, match=r"'person' has 17 joints, .* of 2"):
        KeypointMeanAP(annotations, deviations=(0.1, 0.1))


@pytest.mark.realdata
def test_fake_results_of_coco_score_as_by_the_official_code(data_root: Path) -> None:
    """Persons of real annotations, all joints off by two pixels."""
    root = data_root / "tiny_coco/tiny_coco/annotations"
    truth = json.loads((root / "person_keypoints_val2017.json").read_text())
    metric = KeypointMeanAP(root / "person_keypoints_val2017.json")
    for row in truth["annotations"]:
        joints = np.array(row["keypoints"], float).reshape(1, 17, 3)[..., :2] + 2
        metric.add(row["image_id"], joints, [row["area"]])
    images = sorted({row["image_id"] for row in truth["annotations"]})
    expected = official(truth, metric.results(), images, None)
    assert list(metric.get().values()) == pytest.approx([v for v in expected if v >= 0])
    assert 0.5 < metric.get()["oks_map"] < 1
