from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock
from PIL import Image
from tests.model_zoo.tasks.rcnn_cases import FPN

from toolkit.data.vision import PRESETS, ImageError, read_image
from toolkit.deploy import ClassPrediction, Predictor, Runner, export, label_map, load
from toolkit.deploy.classification import softmax
from toolkit.deploy.manifest import Manifest, TensorSpec
from toolkit.model_zoo import get_model, read_labels

SMALL = replace(PRESETS["cifar"], name="small", size=(4, 4), resize=4, mean=(0,) * 3, std=(1,) * 3)


class Mean(Runner):
    """Scores are the means of the channels; remembers the sizes of its batches."""

    backend = "numpy"

    def __init__(self, batch: int | None = None, task: str | None = "image_classifier") -> None:
        inputs = (TensorSpec("data", (batch, 3, 4, 4)),)
        outputs = (TensorSpec("scores", (batch, 3)),)
        preprocess = SMALL.to_dict()
        super().__init__(Manifest("mean", inputs, outputs, task, preprocess, ("r", "g", "b")))
        self.batches: list[int] = []

    def _run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        self.batches.append(len(arrays[0]))
        return [arrays[0].mean(axis=(2, 3)) * 10]


def picture(channel: int, height: int = 8, width: int = 8) -> np.ndarray:
    image = np.zeros((height, width, 3), np.uint8)
    image[..., channel] = 255
    return image


def labels_of(results: list[list[ClassPrediction]]) -> str:
    return "".join(one[0].label if one else "-" for one in results)


def test_one_picture_gives_one_result(classifier: HybridBlock, pictures: list[Path]) -> None:
    found = Predictor(classifier)(pictures[0])
    x = PRESETS["cifar"](read_image(pictures[0]))
    scores = classifier(mx.nd.array(x[None])).asnumpy()
    probs = softmax(scores)[0]
    assert [p.index for p in found] == list(np.argsort(-probs)[:5])
    assert [p.prob for p in found] == pytest.approx(sorted(probs)[:4:-1], rel=1e-4)
    assert [p.label for p in found] == [read_labels("cifar10")[p.index] for p in found]


def test_many_pictures_give_many_results(classifier: HybridBlock, pictures: list[Path]) -> None:
    predictor = Predictor(classifier, batch_size=3)
    found = predictor(pictures, top=3)
    assert [len(one) for one in found] == [3] * 7
    for one, path in zip(found, pictures, strict=True):
        alone = predictor(path, top=3)
        assert [p.index for p in one] == [p.index for p in alone]
        assert [p.prob for p in one] == pytest.approx([p.prob for p in alone], rel=1e-4)


def test_an_export_predicts_the_same(
    classifier: HybridBlock, exported: Path, pictures: list[Path]
) -> None:
    wanted = Predictor(classifier)(pictures)
    for model in (exported, str(exported), f"{exported}-manifest.json", load(exported)):
        found = Predictor(model)(pictures)
        for ours, theirs in zip(found, wanted, strict=True):
            assert [p.label for p in ours] == [p.label for p in theirs]
            assert [p.prob for p in ours] == pytest.approx([p.prob for p in theirs], rel=1e-4)


def test_a_name_with_weights(exported: Path, pictures: list[Path]) -> None:
    weights = f"{exported}-0000.params"
    named = Predictor("CIFAR_ResNet20_v1", pretrained=weights)(pictures[:2])
    assert labels_of(named) == labels_of(Predictor(exported)(pictures[:2]))


def test_a_published_name_is_no_path(
    exported: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cifar_resnet20_v1-symbol.json").write_text("{}")
    Predictor("cifar_resnet20_v1", pretrained=f"{exported}-0000.params")


def test_one_is_told_from_many(pictures: list[Path]) -> None:
    predictor = Predictor(Mean())
    green = picture(1)
    single = [green, Image.fromarray(green), mx.nd.array(green, dtype="uint8"), str(pictures[0])]
    single += [pictures[0].read_bytes()]
    assert all(isinstance(predictor(one)[0], ClassPrediction) for one in single)
    with open(pictures[0], "rb") as file:
        assert isinstance(predictor(file)[0], ClassPrediction)
    many = [[green], (green,), iter([green]), np.stack([green]), map(picture, [1])]
    assert [labels_of(predictor(each, top=1)) for each in many] == ["g"] * 5
    assert predictor([]) == []
    assert predictor.predict(green) == predictor(green)


def test_batches_are_full_but_for_the_last() -> None:
    runner = Mean()
    pictures = [picture(i % 3, 5 + i, 9) for i in range(11)]
    assert labels_of(Predictor(runner, batch_size=4)(pictures, top=1)) == "rgbrgbrgbrg"
    assert runner.batches == [4, 4, 3]


def test_a_fixed_batch_is_filled_up() -> None:
    runner = Mean(batch=4)
    pictures = [picture(i % 3) for i in range(6)]
    assert labels_of(Predictor(runner, batch_size=16)(pictures, top=1)) == "rgbrgb"
    assert runner.batches == [4, 4]


def test_a_stream_reads_no_further_than_it_must() -> None:
    taken: list[int] = []

    def endless() -> Iterator[np.ndarray]:
        while True:
            taken.append(1)
            yield picture(len(taken) % 3)

    stream = Predictor(Mean(), batch_size=2).stream(endless(), top=1)
    assert not taken
    assert labels_of([next(stream) for _ in range(6)]) == "gbrgbr"
    assert len(taken) <= 8
    stream.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("toolkit-pictures")]


def test_the_next_batch_is_read_while_the_network_works() -> None:
    second_is_read = threading.Event()

    class Waits(Mean):
        def _run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
            assert second_is_read.wait(30)
            return super()._run(arrays)

    class Watched:
        ndim = 3

        def asnumpy(self) -> np.ndarray:
            second_is_read.set()
            return picture(2)

    found = Predictor(Waits(), batch_size=1)([picture(0), Watched()], top=1)
    assert labels_of(found) == "rb"


def test_a_bad_picture_is_named(pictures: list[Path]) -> None:
    pictures[2].write_bytes(b"no picture")
    predictor = Predictor(Mean(), batch_size=2)
    with pytest.raises(ImageError, match=pictures[2].name):
        predictor(pictures)
    stream = predictor.stream(pictures)
    assert len([next(stream), next(stream)]) == 2
    with pytest.raises(ImageError, match=pictures[2].name):
        next(stream)


def test_bad_pictures_can_be_skipped(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    images = [picture(0), bad, picture(1), bad, bad, bad, picture(2)]
    runner = Mean()
    stream = Predictor(runner, batch_size=2).stream(images, top=1, on_error="skip")
    with caplog.at_level(logging.WARNING):
        assert labels_of(list(stream)) == "r-g---b"
    assert caplog.text.count("bad.jpg") == 4
    assert runner.batches == [1, 1, 1]


def test_classes_without_names_are_numbered() -> None:
    net = get_model("cifar_resnet20_v1", classes=3)
    net.initialize()
    found = Predictor(net)(picture(0))
    assert sorted(p.label for p in found) == ["class 0", "class 1", "class 2"]
    assert Predictor(net, labels=["a", "b", "c"])(picture(0))[0].label in "abc"


def test_given_labels_and_preset_go_first(exported: Path) -> None:
    names = [f"name {i}" for i in range(10)]
    predictor = Predictor(exported, labels=names, preset=SMALL)
    assert predictor.preset is SMALL
    assert predictor(picture(0))[0].label.startswith("name ")
    assert Predictor(exported, labels="cifar10", preset="imagenet").preset.name == "imagenet"


def test_labels_of_another_number_are_refused(exported: Path) -> None:
    with pytest.raises(ValueError, match="2 labels for a network of 10 classes"):
        Predictor(exported, labels=["a", "b"])(picture(0))


def test_an_onnx_model_of_one_picture_at_a_time(onnx_file: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(str(onnx_file))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(model, str(onnx_file))
    predictor = Predictor(onnx_file, preset=SMALL)
    assert predictor.batch_size == 1
    found = predictor([picture(i % 3) for i in range(5)], top=1)
    assert [one[0].label for one in found] == [f"class {i % 3}" for i in range(5)]


def test_an_export_without_a_preset_asks_for_one(onnx_file: Path) -> None:
    with pytest.raises(ValueError, match=r"for mean: give preset=.* imagenet"):
        Predictor(onnx_file)
    net = mx.gluon.nn.Dense(3)
    net.initialize()
    with pytest.raises(ValueError, match="for Dense: give preset="):
        Predictor(net)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "cifar_resnet21_v1"}, "did you mean cifar_resnet.*no network was exported to"),
        ({"model": "cifar_resnet20_v1", "pretrained": False}, "without weights predicts nothing"),
        ({"model": Mean(), "batch_size": 0}, "batch_size must be .* at least 1, got 0"),
        ({"model": Mean(), "workers": -1}, "workers must be .* at least 1, got -1"),
        ({"model": Mean(), "preset": "imagnet"}, "did you mean imagenet"),
        ({"model": Mean(), "labels": "cifar11"}, "did you mean cifar10"),
        ({"model": Mean(task="detector")}, "mean is for 'detector'; predictors exist for image_cl"),
    ],
)
def test_wrong_arguments_are_told(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Predictor(**arguments)


def test_a_path_without_an_export_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no exported network at"):
        Predictor(tmp_path / "net")


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(TypeError, match="int is no HybridBlock"):
        Predictor(3, preset="cifar")


@pytest.mark.parametrize("top", [0, -1, 1.5, True])
def test_top_must_be_a_number(top: object) -> None:
    with pytest.raises(ValueError, match="top must be a whole number of at least 1"):
        Predictor(Mean())(picture(0), top=top)


def test_an_unknown_on_error_is_told() -> None:
    with pytest.raises(ValueError, match="unknown on_error 'ignore'; known: raise, skip"):
        Predictor(Mean()).stream([], on_error="ignore")


class Finder(Runner):
    """Finds one object in each picture, in the left half of what it sees, and one of no class."""

    backend = "numpy"

    def __init__(self, preset: dict) -> None:
        inputs = (TensorSpec("data", (None, 3, 4, 4)),)
        shapes = {"ids": (None, 2, 1), "scores": (None, 2, 1), "boxes": (None, 2, 4)}
        outputs = tuple(TensorSpec(name, shape) for name, shape in shapes.items())
        super().__init__(Manifest("finder", inputs, outputs, "ssd", preset, ("r", "g", "b")))

    def _run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        batch = len(arrays[0])
        rows = np.tile(np.array([[1, 0.9, 0, 0, 2, 4], [-1] * 6], np.float32), (batch, 1, 1))
        return [rows[..., :1], rows[..., 1:2], rows[..., 2:]]


def test_objects_are_in_pixels_of_the_picture() -> None:
    predictor = Predictor(Finder(replace(SMALL, resize=None).to_dict()))
    one, other = predictor([picture(0, 20, 40), picture(0, 8, 8)])
    assert [(p.label, p.index, p.box) for p in one] == [("g", 1, (0, 0, 20, 20))]
    assert one[0].score == pytest.approx(0.9)
    assert [p.box for p in other] == [(0, 0, 4, 8)]
    assert predictor.finds_objects
    assert not Predictor(Mean()).finds_objects


DETECTORS = {  # what each is built of
    "ssd": ("cifar_resnet20_v1", {"layout": 32}),
    "center_net": ("mobilenet0.25", {"neck": "pyramid", "head_channels": 8}),
    "faster_rcnn": ("resnet18_v1b", {"layout": FPN}),
    "mask_rcnn": ("resnet18_v1b", {"layout": FPN}),
}


@pytest.mark.parametrize("task", DETECTORS)
def test_a_detector_of_the_zoo(task: str) -> None:
    backbone, options = DETECTORS[task]
    net = get_model(backbone, task=task, classes=2, **options)
    net.initialize()
    preset = PRESETS["ssd_512"].with_size(32)
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    found = Predictor(net, preset=preset, labels=["a", "b"])(image)
    ids, scores, boxes = (part[0].asnumpy() for part in net(mx.nd.array(preset(image)[None]))[:3])
    assert len(found) == min((ids >= 0).sum(), 100) > 0
    np.testing.assert_allclose([p.score for p in found], scores[: len(found), 0], rtol=1e-4)
    np.testing.assert_allclose(found[0].box, boxes[0] * [3, 2, 3, 2], atol=1e-2)


def test_regions_of_a_segmenter_of_the_zoo() -> None:
    net = get_model("cifar_resnet20_v1", task="segmenter", head="psp", classes=3)
    net.initialize(mx.init.Xavier(magnitude=4))
    preset = PRESETS["ssd_512"].with_size(32)
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    predictor = Predictor(net, preset=preset, labels=["a", "b", "c"])
    assert (predictor.kind, predictor.batch_size) == ("regions", 1)
    found, other = predictor([image, image[:40, :50]])
    assert [region.mask.shape for region in (found[0], other[0])] == [(64, 96), (40, 50)]
    assert sum(region.share for region in found) == pytest.approx(1)
    scores = net(mx.nd.array(preset(image)[None]))
    large = mx.nd.contrib.BilinearResize2D(scores, height=64, width=96, align_corners=False)
    expected = large[0].asnumpy().argmax(0)
    assert (label_map(found) == expected).mean() > 0.99
    assert {region.label for region in found} <= {"a", "b", "c"}


def test_objects_want_a_preset_that_does_not_crop() -> None:
    with pytest.raises(ValueError, match="preset 'small' crops"):
        Predictor(Finder(SMALL.to_dict()))


def test_pictures_that_were_skipped_are_counted(tmp_path: Path) -> None:
    predictor = Predictor(Mean())
    found = list(predictor.stream([picture(0), str(tmp_path / "none.jpg")], on_error="skip"))
    assert labels_of(found) == "r-"
    assert predictor.skipped == 1


@pytest.mark.realdata
def test_real_pictures_of_all_kinds(
    classifier: HybridBlock, data_root: Path, tmp_path: Path
) -> None:
    paths = sorted((data_root / "imagenet_samples").glob("*.JPEG"))[:40]
    assert len(paths) == 40
    export(classifier, tmp_path / "net")
    found = Predictor(tmp_path / "net", batch_size=16)(paths, top=10)
    assert all(sum(p.prob for p in one) == pytest.approx(1) for one in found)
