"""The pose scripts train, score, export, and go on where they ended."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from toolkit.deploy import Predictor
from toolkit.utils.skeletons import COCO_PERSON

FOLDER = Path(__file__).resolve().parents[2] / "scripts" / "pose"
SMALL = ("--model", "mobilenet0.25", "--option", "neck=shuffle")
MODELS = {
    "a backbone": (*SMALL, "--half", "0.5", "--color", "0.2"),
    "a pose estimator": ("--model", "mobile_pose_mobilenetv3_small", "--mirrored", "0"),
    "an average": (*SMALL, "--average", "0.5", "--freeze", r"^backbone\."),
}
FEW = ("--epochs", 2, "--score-every", 1, "--batch-size", 2, "--size", 64, 64)


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Scripts find what lies beside them, in worker processes, too; others have the same names."""
    monkeypatch.syspath_prepend(str(FOLDER))
    names = [path.stem for path in FOLDER.glob("*.py")]
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of COCO's layout: pictures of persons who are dots on gray."""
    root, rng = tmp_path_factory.mktemp("coco"), np.random.default_rng(0)
    names = [label.replace(" ", "_") for label in COCO_PERSON.labels]
    (root / "annotations").mkdir()
    for split, count in (("train2017", 4), ("val2017", 2)):
        (root / split).mkdir()
        images, bodies = [], []
        for number in range(count):
            image = np.full((90, 120, 3), 90, np.uint8)
            joints = np.concatenate([rng.integers(20, 70, (17, 2)), np.full((17, 1), 2)], 1)
            for x, y, _ in joints:
                image[y - 2 : y + 3, x - 2 : x + 3] = 250
            cv2.imwrite(str(root / split / f"{number}.png"), image)
            file = {"id": number, "file_name": f"{number}.png", "height": 90, "width": 120}
            images.append(file)
            row = {"id": number + 1, "image_id": number, "category_id": 1, "iscrowd": 0}
            box = {"bbox": [15, 15, 60, 60], "area": 3000, "num_keypoints": 17}
            bodies.append({**row, **box, "keypoints": joints.ravel().tolist()})
        categories = [{"id": 1, "name": "person", "keypoints": names}]
        data = {"images": images, "annotations": bodies, "categories": categories}
        path = root / "annotations" / f"person_keypoints_{split}.json"
        path.write_text(json.dumps(data))
    return root


def run(name: str, *arguments: object) -> ModuleType:
    script = importlib.import_module(name)
    script.main(script.parse([str(argument) for argument in arguments]))
    return script


def score(*arguments: object) -> dict[str, float]:
    evaluate = importlib.import_module("evaluate")
    return evaluate.evaluate(evaluate.parse([str(argument) for argument in arguments]))


@pytest.mark.parametrize("kind", MODELS)
def test_a_run_is_trained_scored_and_exported(kind: str, people: Path, tmp_path: Path) -> None:
    pytest.importorskip("pycocotools")
    out = tmp_path / "run"
    run("train", people, "--out", out, *FEW, *MODELS[kind])
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    epochs = [row for row in rows if row["event"] == "epoch"]
    assert len(epochs) == 2
    assert all(np.isfinite(row["epoch_loss"]) for row in epochs)
    result = score(out, people, "--results", tmp_path / "found.json")
    assert result["persons"] == len(json.loads((tmp_path / "found.json").read_text())) == 2
    # What is left is what was scored last.
    for key in ("pck", "oks_map"):
        assert result[key] == pytest.approx(100 * epochs[-1][f"val_{key}"], abs=0.5)
    assert {"oks_map_75", "oks_map_medium", "oks_map_recall"} <= result.keys()
    (pose,) = Predictor(out / "export" / "pose")(
        people / "val2017" / "0.png", boxes=[[15, 15, 75, 75]]
    )
    assert [joint.label for joint in pose.joints] == list(COCO_PERSON.labels)
    both = score(out, people, "--flip", "--refine", "dark")
    assert both["persons"] == 2
    boxes = [[15, 15, 60, 60], [15, 15, 60, 60.5], [40, 40, 20, 20]]
    rows = [{"image_id": 1, "category_id": 1, "bbox": box, "score": 0.5} for box in boxes]
    (tmp_path / "boxes.json").write_text(json.dumps(rows))
    options = ("--detections", tmp_path / "boxes.json", "--results", tmp_path / "found.json")
    result = score(out, people, *options)
    assert (result["persons"], "pck" in result) == (3, False)
    # The first two see the same, and are one person.
    assert len(json.loads((tmp_path / "found.json").read_text())) == 2
    assert result["oks_map_recall"] <= 50


def test_int8_comes_with_both_scores(people: Path, tmp_path: Path) -> None:
    pytest.importorskip("pycocotools")
    run("train", people, "--out", tmp_path / "run", *FEW, *SMALL, "--val", "")
    script = importlib.import_module("quantize")
    arguments = (tmp_path / "run", people, tmp_path / "int8", "--samples", 3)
    result = script.quantize(script.parse([str(argument) for argument in arguments]))
    assert (result["score"], result["layers in float"]) == ("oks_map", 2)
    assert result["layers in int8"] > 20
    before = score(tmp_path / "run", people)["oks_map"]
    assert result["before"] == pytest.approx(before, abs=0.5)
    assert np.isfinite(result["after"])
    (pose,) = Predictor(tmp_path / "int8" / "int8")(people / "val2017" / "0.png")
    assert len(pose.joints) == 17


def test_published_names_have_their_own_normalization() -> None:
    model = importlib.import_module("pose_model")
    alpha = model.preset_of("alpha_pose_resnet101_v1b_coco", None)
    assert (alpha.std, alpha.size) == ((1, 1, 1), (256, 192))
    small = model.preset_of("mobilenet0.25", (64, 96))
    assert (small.std[0], small.size) == (0.229, (64, 96))


def test_a_run_goes_on_and_what_does_not_fit_is_told(people: Path, tmp_path: Path) -> None:
    few = (*FEW, "--val", "", *SMALL)
    run("train", people, "--out", tmp_path / "first", *few, "--backbone-rate", 0.5)
    weights = tmp_path / "first" / "final.params"
    run("train", people, "--out", tmp_path / "second", *few, "--weights", weights)
    assert (tmp_path / "second" / "final.params").is_file()
    run("train", people, "--out", tmp_path / "second", *few, "--epochs", 3, "--weights", weights)
    rows = (tmp_path / "second" / "log.jsonl").read_text().splitlines()
    assert [json.loads(row)["epoch"] for row in rows if '"epoch_loss"' in row] == [1, 2, 3]
    with pytest.raises(SystemExit, match="a warm-up of 3 epochs is not below the 2"):
        run("train", people, "--out", tmp_path / "third", *few, "--warmup", 3)
    with pytest.raises(SystemExit, match=r"unknown split 'test2017'.*train2017"):
        run("train", people, "--out", tmp_path / "third", *few, "--train", "test2017")
