"""The detection scripts train, score, draw, and go on where they ended."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from toolkit.data.vision import Packing
from toolkit.deploy import load
from toolkit.utils.rle import encode_mask

FOLDER = Path(__file__).resolve().parents[2] / "scripts" / "detection"
OBJECT = (
    "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax>"
    "<ymax>{}</ymax></bndbox></object>"
)
REGIONS = (
    "layout={'like': 'mask_fpn', 'pyramid': 8, 'levels': 2, 'cells': 8, 'between': 8,"
    " 'sides': (32, 48, 64), 'units': (8,), 'size': 4, 'halve': False, 'mask_convs': 0,"
    " 'proposals': {'candidates': 40, 'proposals': 10},"
    " 'suppression': {'candidates': 20, 'detections': 10, 'score': 0.0}}"
)
# A small one of each family: options of train.py.
SMALL = {
    "ssd": ("--model", "mobilenet0.25", "--task", "ssd", "--option", "layout=64"),
    "yolo3": (
        *("--model", "mobilenet0.25", "--task", "yolo3", "--option", "channels=(8, 8, 16)"),
        *("--mixup", "1.5", "--multi-scale", "1", "--upside-down", "0.5"),
    ),
    "center_net": (
        *("--model", "mobilenet0.25", "--task", "center_net", "--option", "neck=aggregation"),
        *("--option", "head_channels=8", "--multi-scale", "1"),
    ),
    "faster_rcnn": ("--model", "mobilenet0.25", "--task", "faster_rcnn", "--option", REGIONS),
    "mask_rcnn": ("--model", "mobilenet0.25", "--task", "mask_rcnn", "--option", REGIONS),
}


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts find what lies beside them, in worker processes, too."""
    monkeypatch.syspath_prepend(str(FOLDER))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """A folder of VOC's layout: six pictures with a bright and a dark square each."""
    root = tmp_path_factory.mktemp("voc")
    for name in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (root / name).mkdir(parents=True)
    for i in range(6):
        image = np.full((80, 100, 3), 128, np.uint8)
        objects = ""
        for name, value, left in (("bright", 255, 5 + 5 * i), ("dark", 0, 60)):
            image[20:50, left : left + 25] = value
            objects += OBJECT.format(name, left + 1, 21, left + 25, 50)
        cv2.imwrite(str(root / "JPEGImages" / f"{i}.jpg"), image)
        (root / "Annotations" / f"{i}.xml").write_text(f"<annotation>{objects}</annotation>")
    for split, names in (("train", "0 1 2 3"), ("val", "4 5")):
        path = root / "ImageSets" / "Main" / f"{split}.txt"
        path.write_text("\n".join(names.split()))
    return root


@pytest.fixture(scope="module")
def instances(pictures, tmp_path_factory) -> Path:
    """The same pictures in COCO's layout, with masks; in each split there is a crowd."""
    root = tmp_path_factory.mktemp("coco")
    (root / "annotations").mkdir()
    for split, numbers in (("train", range(4)), ("val", (4, 5))):
        (root / split).mkdir()
        data: dict[str, list] = {"images": [], "annotations": [], "categories": []}
        data["categories"] = [{"id": 3, "name": "bright"}, {"id": 8, "name": "dark"}]
        for i in numbers:
            picture = pictures / "JPEGImages" / f"{i}.jpg"
            (root / split / picture.name).write_bytes(picture.read_bytes())
            image = {"id": 10 + i, "file_name": picture.name, "height": 80, "width": 100}
            data["images"].append(image)
            for category, left, crowd in ((3, 5 + 5 * i, 0), (8, 60, int(i in (0, 5)))):
                box = [left, 20, 25, 30]
                right, corners = left + 25, [left, 20, left + 25, 20]
                entry = {"id": len(data["annotations"]) + 1, "image_id": 10 + i, "area": 750}
                entry |= {"category_id": category, "bbox": box, "iscrowd": crowd}
                entry["segmentation"] = [[*corners, right, 50, left, 50]]
                if crowd:
                    mask = np.zeros((80, 100), np.uint8)
                    mask[20:50, left:right] = 1
                    entry["segmentation"] = encode_mask(mask)
                data["annotations"].append(entry)
        path = root / "annotations" / f"instances_{split}.json"
        path.write_text(json.dumps(data))
    return root


def run(name: str, *arguments: object) -> ModuleType:
    script = importlib.import_module(name)
    script.main(script.parse([str(argument) for argument in arguments]))
    return script


def read_log(out: Path, event: str) -> list[dict]:
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [row for row in rows if row["event"] == event]


def short(pictures: Path, out: Path, *more: object) -> list[object]:
    few = ["--epochs", 2, "--score-every", 1, "--batch-size", 2, "--size", 64, "--log-every", 1]
    return [pictures, "--out", out, *few, *more]


@pytest.mark.parametrize("family", SMALL)
def test_a_run_is_trained_scored_and_drawn(family, request, pictures, tmp_path, capsys):
    if family == "mask_rcnn":
        return check_masks(request.getfixturevalue("instances"), tmp_path, capsys)
    out = tmp_path / "run"
    run("train", *short(pictures, out, *SMALL[family]))
    epochs = read_log(out, "epoch")
    assert len(epochs) == 2
    assert all(np.isfinite(row["epoch_loss"]) for row in epochs)
    assert all(0 <= row["val_voc_map"] <= 1 for row in epochs)
    assert {"val_voc_map/bright", "val_voc_map/dark", "val_loss"} <= epochs[0].keys()
    evaluate = importlib.import_module("evaluate")
    result = evaluate.evaluate(
        evaluate.parse([str(out), str(pictures), "--split", "val", "--batch-size", "2"])
    )
    assert result["images"] == 2
    # What is left is what was scored last.
    assert result["voc_map"] == pytest.approx(100 * epochs[-1]["val_voc_map"], abs=0.5)
    if family == "center_net":
        one = ["--option", "suppression={'detections': 1}"]
        few = evaluate.evaluate(evaluate.parse([str(out), str(pictures), "--split", "val", *one]))
        assert few["voc_map"] <= 50  # one of the two objects of a picture at most
    picture = pictures / "JPEGImages" / "4.jpg"
    run("predict", out, picture, "--save", tmp_path / "drawn", "--least", "0.02")
    assert cv2.imread(str(tmp_path / "drawn" / "4.png")).shape == (80, 100, 3)
    if family in ("ssd", "yolo3"):
        check_int8(out, pictures, tmp_path / "exports", result["voc_map"])
    capsys.readouterr()


def check_int8(out: Path, pictures: Path, exports: Path, before: float) -> None:
    quantize = importlib.import_module("quantize")
    words = map(str, (out, pictures, exports, "--split", "val", "--batch-size", 2))
    found = quantize.quantize(quantize.parse(list(words)))
    assert found["before"] == pytest.approx(before, abs=0.5)
    assert 0 <= found["after"] <= 100
    assert found["layers in int8"] > 10
    ids, scores, boxes = load(exports / "int8")(np.zeros((1, 3, 64, 64), np.float32))
    assert ids.shape == scores.shape == (*boxes.shape[:2], 1)


def check_masks(instances: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    pytest.importorskip("pycocotools")
    run("train", *short(instances, out, *SMALL["mask_rcnn"], "--hold", 80))
    epochs = read_log(out, "epoch")
    assert all(np.isfinite(row["epoch_loss"]) for row in epochs)
    evaluate = importlib.import_module("evaluate")
    arguments = (out, instances, "--split", "val", "--results", tmp_path / "results")
    result = evaluate.evaluate(evaluate.parse([str(a) for a in arguments]))
    assert result["images"] == 2
    assert {"boxes_coco_map", "boxes_coco_map_50", "masks_coco_map"} <= result.keys()
    for form in ("boxes", "masks"):  # what is left is what was scored last
        last = 100 * epochs[-1][f"val_{form}_coco_map"]
        assert result[f"{form}_coco_map"] == pytest.approx(last, abs=0.5)
    rows = json.loads((tmp_path / "results" / "masks.json").read_text())
    assert {row["image_id"] for row in rows} == {14, 15}
    assert {row["category_id"] for row in rows} <= {3, 8}
    assert rows[0]["segmentation"]["size"] == [80, 100]
    boxes = json.loads((tmp_path / "results" / "boxes.json").read_text())
    assert len(boxes) == len(rows)
    assert max(row["bbox"][0] + row["bbox"][2] for row in boxes) > 64  # in the picture's pixels
    picture = instances / "val" / "4.jpg"
    run("predict", out, picture, "--save", tmp_path / "drawn", "--least", "0.02")
    assert cv2.imread(str(tmp_path / "drawn" / "4.png")).shape == (80, 100, 3)
    capsys.readouterr()


def test_detectors_without_masks_are_scored_on_coco(instances, tmp_path):
    pytest.importorskip("pycocotools")
    out = tmp_path / "run"
    run("train", *short(instances, out, *SMALL["ssd"], "--epochs", 1, "--warmup", 0))
    evaluate = importlib.import_module("evaluate")
    result = evaluate.evaluate(evaluate.parse([str(out), str(instances), "--split", "val"]))
    assert "boxes_coco_map" in result
    assert "masks_coco_map" not in result
    check_int8(out, instances, tmp_path / "exports", result["boxes_coco_map"])


def packed(pictures: Path, root: Path) -> None:
    """The same pictures with boxes in the labels of list files."""
    for split, numbers in (("train", range(4)), ("val", (4, 5))):
        lines = []
        for i in numbers:
            (root / f"{i}.jpg").write_bytes((pictures / "JPEGImages" / f"{i}.jpg").read_bytes())
            label = [2, 5]
            for place, left in enumerate((5 + 5 * i, 60)):
                label += [place, left / 100, 20 / 80, (left + 25) / 100, 50 / 80]
            lines.append("\t".join(map(str, (i, *label, f"{i}.jpg"))))
        (root / f"{split}.lst").write_text("\n".join(lines))


@pytest.mark.parametrize("kind", ["lst", "rec"])
def test_lists_and_records_are_trained_on(kind, pictures, tmp_path):
    packed(pictures, tmp_path)
    data = importlib.import_module("detection_data")
    with pytest.raises(SystemExit, match=r"no classes\.txt with a class a line: give --classes"):
        data.open_boxes(tmp_path, "train")
    (tmp_path / "classes.txt").write_text("bright\ndark\n")
    if kind == "rec":
        for split in ("train", "val"):
            Packing(shuffle=False).pack(tmp_path / f"{split}.lst", tmp_path / split)
    expected = data.open_boxes(pictures, "train")
    samples = data.open_boxes(tmp_path, "train")
    assert samples.data.path.suffix == f".{kind}"
    assert tuple(samples.classes) == tuple(expected.classes)
    for mine, theirs in zip(samples, expected, strict=True):
        np.testing.assert_allclose(mine[1], theirs[1], atol=1e-3)
        np.testing.assert_array_equal(mine[2], theirs[2])
    with pytest.raises(SystemExit, match=r"unknown split 'trian'.*train"):
        data.open_boxes(tmp_path, "trian")
    with pytest.raises(SystemExit, match="no masks of objects"):
        data.open_boxes(tmp_path, "train", masks=True)
    one = (*SMALL["ssd"], "--epochs", 1, "--warmup", 0)
    run("train", *short(tmp_path, tmp_path / "run", *one))
    assert 0 <= read_log(tmp_path / "run", "epoch")[0]["val_voc_map"] <= 1


def test_every_family_has_a_small_run() -> None:
    assert set(SMALL) == set(importlib.import_module("families").FAMILIES)


def test_weights_of_a_classifier_and_pictures_in_memory(pictures, tmp_path):
    options = ("--model", "cifar_resnet20_v1", "--task", "ssd", "--backbone-weights")
    layout = ("--option", "layout={'size': 32, 'features': 1}", "--size", 32, "--val", "")
    script = importlib.import_module("train")
    args = script.parse(
        [str(a) for a in short(pictures, tmp_path, *options, *layout, "--hold", 40)]
    )
    model = importlib.import_module("detection_model")
    net = model.make_net(args, ["bright", "dark"])
    source = importlib.import_module("toolkit.model_zoo").get_model("cifar_resnet20_v1", True)
    ours, theirs = (
        block._collect_params_with_prefix() for block in (net.network.backbone, source.backbone)
    )
    for key, param in theirs.items():
        np.testing.assert_array_equal(ours[key].data().asnumpy(), param.data().asnumpy())
    args.epochs, args.warmup = 1, 0
    script.main(args)
    assert (tmp_path / "final.params").is_file()


def test_another_run_goes_on_from_what_a_run_learned(pictures, tmp_path):
    first, options = tmp_path / "first", (*SMALL["faster_rcnn"], "--val", "")
    run("train", *short(pictures, first, *options))
    larger = ("--option", REGIONS.replace("'cells': 8", "'cells': 16"), "--size", 96, "--val", "")
    more = ("--model", first, *larger, "--classes", "dark,bright")
    train, model = (importlib.import_module(name) for name in ("train", "detection_model"))
    args = train.parse([str(a) for a in (*short(pictures, tmp_path / "next"), *more)])
    net = model.make_net(args, ["dark", "bright"])
    before = model.open_run(first)[0]
    ours, theirs = (n._collect_params_with_prefix() for n in (net, before))
    anchors = "network.proposer.anchors.0.anchors"
    assert [p[anchors].shape[2] for p in (ours, theirs)] == [16, 8]  # for larger pictures
    scores, old = (p["network.head.scores.weight"].data().asnumpy() for p in (ours, theirs))
    np.testing.assert_array_equal(scores, old[[0, 2, 1]])  # the background, then as asked
    train.main(args)
    note = json.loads((tmp_path / "next" / "model.json").read_text())
    assert (note["model"], note["task"], note["size"]) == ("mobilenet0.25", "faster_rcnn", 96)
    assert model.open_run(tmp_path / "next")[0].network.proposer.anchors[0].anchors.shape[2] == 16


def test_corrupt_pictures_are_skipped_and_counted(pictures, tmp_path, capsys):
    broken = tmp_path / "broken"
    for path in pictures.rglob("*.*"):
        target = broken / path.relative_to(pictures)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    size = "<size><width>100</width><height>80</height></size></annotation>"
    for path in (broken / "Annotations").iterdir():
        path.write_text(path.read_text().replace("</annotation>", size))
    (broken / "JPEGImages" / "1.jpg").write_bytes(b"\xff\xd8\xff no picture")
    one = (*SMALL["ssd"], "--val", "", "--epochs", 1, "--warmup", 0)
    with pytest.raises(Exception, match="sample 1 of epoch 0 could not be loaded: ImageError"):
        run("train", *short(broken, tmp_path / "raise", *one))
    run("train", *short(broken, tmp_path / "skip", *one, "--on-error", "skip"))
    assert "1 samples were left out" in capsys.readouterr().out


def test_a_video_is_drawn(pictures, tmp_path, capsys):
    out = tmp_path / "run"
    run("train", *short(pictures, out, *SMALL["ssd"], "--val", "", "--epochs", 1, "--warmup", 0))
    video = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"MJPG"), 5, (100, 80))
    for value in (10, 200, 90):
        writer.write(np.full((80, 100, 3), value, np.uint8))
    writer.release()
    run("predict", out, video, "--save", tmp_path / "drawn", "--most", 2)
    assert "2 pictures" in capsys.readouterr().out
    assert (tmp_path / "drawn" / "film.mp4").stat().st_size > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--model", "mobilenet0.25", "--task", "mask_rcnn"), "VOC's layout, which has no masks"),
        ((*SMALL["faster_rcnn"], "--mixup", 1.5), "R-CNNs are not trained with --mixup"),
        (("--model", "resnet18_v1"), "unknown family of detectors 'image_classifier'"),
        (("--model", "mobilenet0.25", "--task", "yolo3", "--size", 70), "no multiple of 32"),
        ((*SMALL["ssd"], "--warmup", 9), "a warm-up of 9 epochs is not below the 2 of"),
    ],
)
def test_options_that_do_not_fit(pictures, tmp_path, options, message):
    with pytest.raises(SystemExit, match=message):
        run("train", *short(pictures, tmp_path, *options))


def test_a_split_of_coco_that_is_not_there(instances):
    data = importlib.import_module("detection_data")
    with pytest.raises(SystemExit, match=r"unknown split 'vall'.*val"):
        data.open_boxes(instances, "vall")


def test_crowds_are_not_learned_from(instances):
    data = importlib.import_module("detection_data")
    assert [len(data.open_boxes(instances, "train", crowd=c)[0][2]) for c in (True, False)] == [
        2,
        1,
    ]


def test_a_folder_of_no_kind(tmp_path):
    data = importlib.import_module("detection_data")
    with pytest.raises(SystemExit, match=r"no folder of pictures with boxes; known: voc.*coco"):
        data.open_boxes(tmp_path, "train")
