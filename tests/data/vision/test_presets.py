from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.data.vision.image import read_image
from toolkit.data.vision.presets import PRESETS, ImagePreset
from toolkit.data.vision.transforms.tensor import denormalize


@pytest.mark.parametrize("name", sorted(PRESETS))
@pytest.mark.parametrize("shape", [(43, 61), (61, 43), (300, 300), (1, 1), (5, 4000), (4000, 1)])
def test_any_picture_becomes_the_size(name: str, shape: tuple[int, int]) -> None:
    preset = PRESETS[name]
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    array = preset(image)
    assert (array.shape, array.dtype) == ((3, *preset.size_of(image)), np.float32)
    assert preset.longest or preset.size_of(image) == preset.size
    assert array.flags.c_contiguous
    assert preset.name == name


def test_sizes() -> None:
    known = {name: (preset.size, preset.resize) for name, preset in PRESETS.items()}
    assert known == {
        "imagenet": ((224, 224), 256),
        "imagenet_299": ((299, 299), 342),
        "torchvision": ((224, 224), 256),
        "torchvision_232": ((224, 224), 232),
        "torchvision_googlenet": ((224, 224), 256),
        "torchvision_inception": ((299, 299), 342),
        "cifar": ((32, 32), 32),
        "ssd_512": ((512, 512), None),
        "ssd_300": ((300, 300), None),
        "yolo3_416": ((416, 416), None),
        "center_net_512": ((512, 512), None),
        "rcnn_600": ((600, 800), 600),
        "rcnn_800": ((800, 1067), 800),
        "pose_256": ((256, 192), None),
        "alpha_pose_256": ((256, 192), None),
        "segmentation_480": ((480, 640), 480),
        "segmentation_1024": ((1024, 2048), 1024),
    }
    assert [PRESETS[name].longest for name in ("rcnn_600", "rcnn_800")] == [1000, 1333]


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((480, 640), (600, 800)),
        ((640, 480), (800, 600)),
        ((300, 900), (333, 1000)),
        ((3, 3000), (1, 1000)),
    ],
)
def test_the_aspect_is_kept(shape: tuple[int, int], size: tuple[int, int]) -> None:
    preset = PRESETS["rcnn_600"]
    assert not preset.crops
    assert preset(np.zeros((*shape, 3), np.uint8)).shape[1:] == size
    assert preset.stretched()(np.zeros((*shape, 3), np.uint8)).shape[1:] == (600, 800)


def test_another_size_keeps_the_aspect_too() -> None:
    small = PRESETS["rcnn_800"].with_size(320)
    assert (small.size, small.resize, small.longest) == ((320, 427), 320, 533)
    assert PRESETS["rcnn_800"].with_size((320, 500)).size == (320, 500)
    assert PRESETS["imagenet"].crops
    assert PRESETS["imagenet"].stretched() is PRESETS["imagenet"]


def test_an_image_of_cifars_size_is_only_normalized() -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    cifar = PRESETS["cifar"]
    expected = (image / 255 - np.array(cifar.mean)) / np.array(cifar.std)
    np.testing.assert_allclose(cifar(image), expected.transpose(2, 0, 1), atol=1e-6)
    np.testing.assert_array_equal(denormalize(cifar(image), cifar.mean, cifar.std), image)


def test_the_middle_is_seen() -> None:
    image = np.zeros((256, 512, 3), np.uint8)
    image[:, 144:368] = 255  # columns of the middle 224
    assert (PRESETS["imagenet"].crop(image) == 255).all()


def test_without_resize_the_aspect_is_given_up() -> None:
    preset = replace(PRESETS["imagenet"], resize=None, size=(20, 50), interpolation="area")
    image = np.zeros((40, 100, 3), np.uint8)
    image[20:] = 200
    assert preset.crop(image).shape == (20, 50, 3)
    assert (preset.crop(image)[10:] == 200).all()
    assert preset.with_size(30).resize is None


def test_with_size() -> None:
    imagenet = PRESETS["imagenet"]
    assert (imagenet.with_size(448).size, imagenet.with_size(448).resize) == ((448, 448), 512)
    assert imagenet.with_size((192, 256)).resize == 293
    assert imagenet.with_size(224) == imagenet
    assert imagenet.resize == 256
    with pytest.raises(ValueError, match="size 0"):
        imagenet.with_size(0)
    with pytest.raises(FrozenInstanceError):
        imagenet.size = (1, 1)  # type: ignore[misc]


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_json_round_trip(name: str) -> None:
    written = json.dumps(PRESETS[name].to_dict())
    assert ImagePreset.from_dict(json.loads(written)) == PRESETS[name]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"size": [224]}, r"size \[224\] is neither"),
        ({"size": [0, 5]}, "above 0"),
        ({"size": "big"}, "size 'big'"),
        ({"size": 2.5}, "size 2.5"),
        ({"resize": 100}, r"resize 100 .*at least its size \(224, 224\)"),
        ({"resize": "256"}, "resize '256'"),
        ({"longest": 200}, "from 1 to longest, got 256 and 200"),
        ({"longest": 300, "resize": None}, "from 1 to longest, got None and 300"),
        ({"interpolation": "bilinar"}, "did you mean bilinear"),
        ({"mean": [0.1, 0.2]}, r"mean \[0.1, 0.2\].*three numbers"),
        ({"mean": None}, "mean None.*three numbers"),
        ({"mean": ["a", "b", "c"]}, "mean .*three numbers"),
        ({"std": [0.1, 0.2, 0]}, "std .*above 0"),
        ({"std": [0.1, 0.2, float("nan")]}, "std .*three numbers"),
        ({"name": 3}, "name 3"),
        ({"colour": "bgr"}, "unknown preset field 'colour'"),
    ],
)
def test_wrong_values_are_explained(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ImagePreset.from_dict({**PRESETS["imagenet"].to_dict(), **change})


def test_missing_and_misspelt_fields_are_named() -> None:
    values = PRESETS["cifar"].to_dict()
    del values["mean"]
    with pytest.raises(ValueError, match="missing: mean"):
        ImagePreset.from_dict(values)
    with pytest.raises(ValueError, match=r"a preset is a mapping .*not list"):
        ImagePreset.from_dict([1])  # type: ignore[arg-type]


@pytest.mark.realdata
def test_a_pretrained_network_reaches_its_score(data_root: Path) -> None:
    mx = pytest.importorskip("mxnet")
    net = mx.gluon.model_zoo.vision.squeezenet1_0()
    weights = data_root / "weights_converted" / "squeezenet1.0_deepcompression.params"
    net.load_parameters(str(weights))
    net.hybridize()
    paths = sorted((data_root / "imagenet_samples").glob("*.JPEG"))
    inputs = np.stack([PRESETS["imagenet"](read_image(path)) for path in paths])
    scores = np.concatenate([net(mx.nd.array(part)).asnumpy() for part in np.split(inputs, 4)])
    labels = 5 * np.arange(200)
    ranks = (scores > scores[np.arange(200), labels][:, None]).sum(1)
    assert (ranks < 1).mean() == pytest.approx(0.65, abs=0.006)
    assert (ranks < 5).mean() == pytest.approx(0.835, abs=0.006)
