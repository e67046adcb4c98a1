"""COCO's average precision against its own code, called by hand."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.utils.metrics import COCOMeanAP
from toolkit.utils.rle import decode_mask

coco_masks = pytest.importorskip("pycocotools.mask")
COCO = pytest.importorskip("pycocotools.coco").COCO
COCOeval = pytest.importorskip("pycocotools.cocoeval").COCOeval
KEYS = ["coco_map", "coco_map_50", "coco_map_75"]


def annotation(number: int, image: int, category: int, box: list[float], **more: Any) -> dict:
    x, y, w, h = box
    corners = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    row = {"id": number, "image_id": image, "category_id": category, "bbox": box, "iscrowd": 0}
    return {**row, "area": w * h, "segmentation": corners, **more}


@pytest.fixture
def annotations() -> dict[str, Any]:
    crowd = np.zeros((60, 80), np.uint8, order="F")
    crowd[30:, 40:] = 1
    rle = coco_masks.encode(crowd)
    rle["counts"] = rle["counts"].decode()
    return {
        "images": [{"id": n, "height": 60, "width": 80} for n in (3, 7, 9)],
        "categories": [{"id": n, "name": name} for n, name in ((2, "cat"), (5, "dog"), (6, "cow"))],
        "annotations": [
            annotation(1, 3, 2, [5, 5, 20, 30]),
            annotation(2, 3, 5, [40, 10, 30, 40]),
            annotation(3, 7, 2, [10, 10, 50, 40]),
            annotation(4, 7, 5, [40, 30, 40, 30], iscrowd=1, segmentation=rle, area=1200),
        ],
    }


def detections() -> dict[int, tuple[np.ndarray, ...]]:
    """Of each picture; the third has none."""
    return {
        3: (
            np.array([0, 1, 0, -1]),
            np.array([0.9, 0.6, 0.5, 0.9]),
            np.array([[6, 5, 25, 34], [42, 12, 70, 50], [40, 10, 70, 50], [5, 5, 25, 35]], float),
        ),
        # The second is of a crowd, and counts neither for nor against.
        7: (
            np.array([0, 1]),
            np.array([0.7, 0.95]),
            np.array([[12, 12, 58, 50], [45, 35, 60, 50]], float),
        ),
        9: (np.zeros(0), np.zeros(0), np.zeros((0, 4))),
    }


def drawn(boxes: np.ndarray) -> np.ndarray:
    masks = np.zeros((len(boxes), 60, 80), bool)
    for mask, (x0, y0, x1, y1) in zip(masks, boxes.astype(int), strict=True):
        mask[y0:y1, x0:x1] = True
    return masks


def official(annotations: dict, rows: list[dict], kind: str, images: list[int]) -> list[float]:
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = annotations
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(rows), kind)
        evaluation.params.imgIds = images
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return list(evaluation.stats)


@pytest.mark.parametrize("form", ["boxes", "masks"])
def test_equals_the_official_code(form: str, annotations: dict, tmp_path: Path, capsys) -> None:
    metric = COCOMeanAP(annotations, form)
    for number, found in detections().items():
        metric.add(number, (*found, drawn(found[2])) if form == "masks" else found)
    metric.save(tmp_path / "results.json")
    rows = json.loads((tmp_path / "results.json").read_text())
    assert rows == metric.results()
    assert len(rows) == 5
    kind = {"boxes": "bbox", "masks": "segm"}[form]
    expected = official(annotations, rows, kind, [3, 7, 9])
    values = metric.get()
    assert list(values)[:3] == KEYS
    assert list(values.values()) == [value for value in expected if value >= 0]
    assert 0 < values["coco_map"] < 1
    assert values["coco_map_50"] == pytest.approx(1)  # though a crowd was found, too
    per_class = metric.per_class()
    assert np.isnan(per_class["cow"])
    assert np.mean([per_class["cat"], per_class["dog"]]) == pytest.approx(values["coco_map"])
    assert capsys.readouterr().out == ""


def test_rows_are_those_of_result_files(annotations: dict) -> None:
    boxes, masks = COCOMeanAP(annotations), COCOMeanAP(annotations, "masks")
    found = detections()[3]
    boxes.add(3, found)
    masks.add(3, (*found, drawn(found[2])))
    row = {"image_id": 3, "category_id": 2, "bbox": [6.0, 5.0, 19.0, 29.0], "score": 0.9}
    assert boxes.results()[0] == row
    second = masks.results()[1]
    assert second.keys() == {"image_id", "category_id", "segmentation", "score"}
    np.testing.assert_array_equal(decode_mask(second["segmentation"]), drawn(found[2])[1])


def test_only_pictures_that_were_added_are_scored(annotations: dict) -> None:
    metric = COCOMeanAP(annotations)
    metric.add(7, detections()[7])
    assert metric.get()["coco_map_50"] == pytest.approx(1)
    metric.reset()
    with pytest.raises(ValueError, match="coco_map of no pictures"):
        metric.get()
    metric.add(3, (np.zeros(0), np.zeros(0), np.zeros((0, 4))))
    assert metric.get()["coco_map"] == 0


def test_classes_are_categories_in_any_order(annotations: dict) -> None:
    metric = COCOMeanAP(annotations, categories=(5, -1, 2))
    _, scores, boxes = detections()[3]
    metric.add(3, (np.array([2, 0, 2, -1]), scores, boxes))
    assert [row["category_id"] for row in metric.results()] == [2, 5, 2]
    assert list(metric.per_class()) == ["dog", "", "cat"]


@pytest.mark.parametrize(
    ("number", "change", "reason"),
    [
        (4, {}, "picture 4 is not among"),
        (9, {}, "picture 9 was added twice"),
        (3, {0: np.array([0, 3, 0, -1])}, "class index 3 of 3"),
        (3, {1: np.array([0.9, np.nan, 0.5, 0.9])}, "no finite score"),
        (3, {1: np.array([0.9])}, "4 class indices, 1 scores"),
    ],
)
def test_wrong_outputs_are_explained(
    number: int, change: dict, reason: str, annotations: dict
) -> None:
    metric = COCOMeanAP(annotations)
    metric.add(9, detections()[9])
    found = list(detections()[3])
    for place, value in change.items():
        found[place] = value
    with pytest.raises(ValueError, match=reason):
        metric.add(number, found)


def test_wrong_arguments_are_explained(annotations: dict) -> None:
    with pytest.raises(ValueError, match=r"unknown form of detections 'box'.*boxes"):
        COCOMeanAP(annotations, "box")
    with pytest.raises(ValueError, match=r"categories \[1\] are not among .*2, 5, 6"):
        COCOMeanAP(annotations, categories=(1, 2))
    with pytest.raises(ValueError, match="must hold annotations, categories"):
        COCOMeanAP({"images": []})
    with pytest.raises(ValueError, match=r"picture 3 of \(60, 80\) pixels wants as large a mask"):
        COCOMeanAP(annotations, "masks").add(3, (*detections()[3], np.zeros((4, 8, 8))))


@pytest.mark.realdata
@pytest.mark.parametrize(("form", "kind"), [("boxes", "bbox"), ("masks", "segm")])
def test_fake_results_of_coco_score_as_by_the_official_code(
    form: str, kind: str, data_root: Path
) -> None:
    """Ground truth is made of every second row, a little moved; the rows are then streamed."""
    file = data_root / f"cocoapi_results/results/instances_val2014_fake{kind[:4]}100_results.json"
    if kind == "bbox":
        file = file.with_name("instances_val2014_fakebbox100_results.json")
    rows = json.loads(file.read_text())
    by_image: dict[int, list[dict]] = {}
    for row in rows:
        by_image.setdefault(row["image_id"], []).append(row)
    truth: dict[str, Any] = {"images": [], "annotations": [], "categories": []}
    for number in sorted({row["category_id"] for row in rows}):
        truth["categories"].append({"id": number, "name": str(number)})
    for number, mine in by_image.items():
        size = mine[0]["segmentation"]["size"] if form == "masks" else (640, 640)
        truth["images"].append({"id": number, "height": size[0], "width": size[1]})
        for row in mine[::2]:
            entry: dict[str, Any] = {"id": len(truth["annotations"]) + 1, "image_id": number}
            entry |= {"category_id": row["category_id"], "iscrowd": int(len(mine) > 25)}
            if form == "boxes":
                x, y, w, h = row["bbox"]
                entry |= {"bbox": [x + 0.05 * w, y, w, 0.9 * h], "area": 0.9 * w * h}
            else:
                mask = np.roll(decode_mask(row["segmentation"]), 3, axis=1)
                packed = coco_masks.encode(np.asfortranarray(mask))
                area = float(mask.sum())
                entry |= {"segmentation": {**packed, "counts": packed["counts"].decode()}}
                entry |= {"area": area, "bbox": list(coco_masks.toBbox(packed))}
            truth["annotations"].append(entry)
    metric = COCOMeanAP(truth, form)
    for number, mine in by_image.items():
        ids = np.array([metric.categories.index(row["category_id"]) for row in mine])
        scores = np.array([row["score"] for row in mine])
        if form == "boxes":
            sides = np.array([row["bbox"] for row in mine])
            sides[:, 2:] += sides[:, :2]
            metric.add(number, (ids, scores, sides))
        else:
            masks = np.stack([decode_mask(row["segmentation"]) for row in mine])
            metric.add(number, (ids, scores, np.zeros((len(mine), 4)), masks))
    expected = official(truth, rows, kind, sorted(by_image))
    got = metric.get()
    assert list(got.values()) == pytest.approx([v for v in expected if v >= 0], abs=1e-12)
    assert 0.1 < got["coco_map"] < 0.95
