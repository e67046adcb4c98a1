"""Poses of one person, of persons in boxes, and of those that a detector finds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

from toolkit.data.vision import PRESETS, ImageError
from toolkit.deploy import PosePredictor, Predictor, Runner, export, export_onnx, load
from toolkit.deploy.manifest import Manifest, TensorSpec
from toolkit.model_zoo import get_model

SIZE = (32, 24)
PRESET = replace(PRESETS["pose_256"], size=SIZE, mean=(0,) * 3, std=(1,) * 3)
LABELS = ("left hand", "right hand", "head")
BOXES = np.array([[20, 10, 44, 42], [60, 8, 84, 40]], np.float32)


class Brightest(Runner):
    """Joints are where red, green and blue are brightest, on a quarter of the grid."""

    backend = "numpy"

    def __init__(self) -> None:
        inputs = (TensorSpec("data", (None, 3, *SIZE)),)
        outputs = (TensorSpec("maps", (None, 3, SIZE[0] // 4, SIZE[1] // 4)),)
        preprocess = PRESET.to_dict()
        super().__init__(
            Manifest("brightest", inputs, outputs, "pose_estimator", preprocess, LABELS)
        )

    def _run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        return [np.ascontiguousarray(arrays[0][:, :, ::4, ::4])]


class Finder(Runner):
    """Finds two persons, a third that it is not sure of, and a dog, where they are."""

    backend = "numpy"

    def __init__(self) -> None:
        inputs = (TensorSpec("data", (None, 3, 50, 100)),)
        shapes = {"ids": (None, 4, 1), "scores": (None, 4, 1), "boxes": (None, 4, 4)}
        outputs = tuple(TensorSpec(name, shape) for name, shape in shapes.items())
        preset = PRESETS["ssd_512"].with_size((50, 100)).to_dict()
        labels = ("dog", "person")
        super().__init__(Manifest("finder", inputs, outputs, "ssd", preset, labels))

    def _run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        boxes = np.concatenate([BOXES, [[0, 0, 30, 30], [5, 5, 9, 9]]])
        rows = np.column_stack([[1, 1, 1, 0], [0.9, 0.8, 0.3, 0.95], boxes])
        rows = np.tile(rows.astype(np.float32), (len(arrays[0]), 1, 1))
        return [rows[..., :1], rows[..., 1:2], rows[..., 2:]]


def picture() -> np.ndarray:
    """Two persons: joints are blots, three pixels of one colour each."""
    image = np.zeros((50, 100, 3), np.uint8)
    for x0, y0, *_ in BOXES.astype(int):
        for channel, (x, y) in enumerate(((8, 12), (16, 12), (12, 4))):
            image[y0 + y - 3 : y0 + y + 4, x0 + x - 3 : x0 + x + 4, channel] = 255
    return image


def near(pose: object, corner: np.ndarray) -> bool:
    wanted = np.array([[8, 12], [16, 12], [12, 4]]) + corner
    found = np.array([[joint.x, joint.y] for joint in pose.joints])
    return bool((np.abs(found - wanted) < 5).all())


def test_there_is_a_pose_in_each_box() -> None:
    predictor = Predictor(Brightest())
    assert (predictor.kind, predictor.finds_objects) == ("poses", False)
    first, second = predictor(picture(), boxes=BOXES)
    assert near(first, BOXES[0, :2])
    assert near(second, BOXES[1, :2])
    assert not near(first, BOXES[1, :2])
    assert [joint.label for joint in first.joints] == list(LABELS)
    assert first.box == tuple(BOXES[0].tolist())
    assert predictor(picture(), boxes=[]) == []


def test_many_pictures_have_boxes_of_their_own() -> None:
    predictor = Predictor(Brightest(), batch_size=2)
    found = predictor([picture(), picture(), picture()], boxes=[BOXES, [], BOXES[1:]])
    assert [len(one) for one in found] == [2, 0, 1]
    assert near(found[2][0], BOXES[1, :2])
    with pytest.raises(ValueError, match="2 pictures have boxes of 1"):
        predictor([picture()] * 2, boxes=[BOXES])


def test_without_boxes_a_picture_is_one_persons() -> None:
    x0, y0, x1, y1 = BOXES[0].astype(int)
    (pose,) = Predictor(Brightest())(picture()[y0:y1, x0:x1])
    assert near(pose, np.zeros(2))
    assert pose.box == (0, 0, 24, 32)


def test_boxes_are_for_poses() -> None:
    with pytest.raises(ValueError, match="boxes= is for poses, and finder has objects"):
        Predictor(Finder())(picture(), boxes=BOXES)


def test_behind_a_detector() -> None:
    predictor = PosePredictor(Finder(), Brightest())
    first, second = predictor(picture())
    assert near(first, BOXES[0, :2])
    assert near(second, BOXES[1, :2])
    (alone,) = Predictor(Brightest())(picture(), boxes=BOXES[:1])
    assert first.score == pytest.approx(0.9 * alone.score, rel=1e-5)
    assert [one.label for one in predictor(picture(), top=1)] == ["person"]
    assert len(PosePredictor(Finder(), Brightest(), least=0.2)(picture())) == 3
    dogs = PosePredictor(Predictor(Finder()), Predictor(Brightest()), label="dog")([picture()])
    assert [[one.label for one in poses] for poses in dogs] == [["dog"]]


def test_mirrored_persons_may_be_looked_at_too() -> None:
    plain, both = (PosePredictor(Finder(), Brightest(), flip=flip) for flip in (False, True))
    alone, shared = plain(picture())[0].joints, both(picture())[0].joints
    # Colours do not change sides in a mirror: the hands share their heat, the head keeps its own.
    assert [joint.score for joint in alone] == [1, 1, 1]
    assert [joint.score for joint in shared] == [0.5, 0.5, 1]


def test_pictures_that_cannot_be_read(tmp_path: Path) -> None:
    predictor = PosePredictor(Finder(), Brightest())
    pictures = [tmp_path / "none.jpg", picture()]
    assert [len(one) for one in predictor.stream(pictures, on_error="skip")] == [0, 2]
    assert predictor.skipped == 1
    with pytest.raises(ImageError, match=r"none\.jpg"):
        list(predictor.stream(pictures))
    with pytest.raises(ValueError, match="unknown on_error 'ignore'"):
        list(predictor.stream([], on_error="ignore"))


def test_what_does_not_fit_together_is_told() -> None:
    with pytest.raises(ValueError, match="brightest finds poses, where objects are wanted"):
        PosePredictor(Brightest(), Brightest())
    with pytest.raises(ValueError, match="finder finds objects, where poses are wanted"):
        PosePredictor(Finder(), Finder())
    with pytest.raises(ValueError, match="unknown label of the detector 'cat'; known: dog, person"):
        PosePredictor(Finder(), Brightest(), label="cat")


def test_an_exported_one_says_the_same_in_mxnet_and_in_onnx(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    net = get_model("mobilenet0.25", task="pose_estimator", neck="shuffle", classes=3)
    net.initialize(mx.init.Xavier(magnitude=6))
    preset = PRESETS["pose_256"].with_size((64, 48))
    export(net, tmp_path / "net", preprocess=preset, labels=LABELS)
    export_onnx(tmp_path / "net", tmp_path / "net")
    manifest = load(tmp_path / "net").manifest
    assert (manifest.task, manifest.labels) == ("pose_estimator", LABELS)
    image = np.random.default_rng(0).integers(0, 256, (50, 100, 3), np.uint8)
    wanted = Predictor(net, preset=preset, labels=LABELS)(image, boxes=BOXES)
    for backend in ("mxnet", "onnxruntime"):
        found = Predictor(load(tmp_path / "net", backend=backend))(image, boxes=BOXES)
        for ours, theirs in zip(found, wanted, strict=True):
            for one, other in zip(ours.joints, theirs.joints, strict=True):
                assert one.score == pytest.approx(other.score, rel=1e-3, abs=1e-4)
                assert (one.label, one.x, one.y) == (
                    other.label,
                    pytest.approx(other.x, abs=0.01),
                    pytest.approx(other.y, abs=0.01),
                )
