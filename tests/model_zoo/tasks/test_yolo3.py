"""YOLOv3: predictions, detections, other classes, other backbones, upstream's names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_model, list_models, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.tasks.yolo3 import ANCHORS, YOLO3, CellGrid
from toolkit.model_zoo.weights import get_arrays
from toolkit.nn.nms import Suppression
from toolkit.utils.testing import assert_is_detector

ALL = Suppression(score=0.0)
SIDE = 96
CELLS = (9, 36, 144)  # of images of that side, coarsest first


def small(classes: Any = 3, backbone: str = "mobilenet0.25", **options: Any) -> YOLO3:
    """A small one."""
    return YOLO3(
        BACKBONES.create(backbone), classes, channels=(8, 12, 16), suppression=ALL, **options
    )


def ready(classes: Any = 3) -> YOLO3:
    """A small one with random weights."""
    net = small(classes)
    net.initialize(mx.init.MSRAPrelu("in", 0))  # keeps the signal through many layers
    return net


@pytest.fixture
def images() -> mx.nd.NDArray:
    return mx.nd.array(np.random.default_rng(0).normal(size=(2, 3, SIDE, SIDE)))


@pytest.mark.parametrize("backbone", ["mobilenet0.25", "resnet18_v2"])
def test_it_is_a_detector(backbone: str) -> None:
    assert_is_detector(lambda: small(backbone=backbone))


def test_priors_are_cells_and_shapes() -> None:
    grid = CellGrid(((10, 13), (16, 30)), 8)
    grid.initialize()
    priors = grid(mx.nd.zeros((1, 1, 2, 3))).asnumpy()
    assert priors.shape == (1, 12, 5)
    assert priors[0, 1].tolist() == [0, 0, 8, 16, 30]
    assert priors[0, 2].tolist() == [8, 0, 8, 10, 13]
    assert priors[0, 11].tolist() == [16, 8, 8, 16, 30]


def test_predictions_are_one_row_an_anchor_coarsest_first(images: mx.nd.NDArray) -> None:
    scores, codes, priors = ready().network(images)
    count = 3 * sum(CELLS)
    assert scores.shape == (2, count, 4)
    assert codes.shape == (2, count, 4)
    assert priors.shape == (1, count, 5)
    sides = priors[0, :, 2].asnumpy()
    np.testing.assert_array_equal(sides, np.repeat([32, 16, 8], [3 * n for n in CELLS]))
    for place, shapes in zip((0, 3 * 9, 3 * 45), reversed(ANCHORS), strict=True):
        found = priors[0, place : place + 3, 3:].asnumpy()
        np.testing.assert_array_equal(found, shapes)


def test_objects_are_rare_to_a_new_network(images: mx.nd.NDArray) -> None:
    net = ready(5)
    for classes in (5, 3):
        net.reset_class(classes)
        probs = net.network(images)[0].sigmoid().asnumpy()
        assert np.median(probs[..., 0]) == pytest.approx(0.01, abs=0.005)
        assert np.median(probs[..., 1:]) > 0.1


def test_images_need_not_be_multiples_of_the_stride() -> None:
    scores, _, priors = ready().network(mx.nd.zeros((1, 3, 100, 72)))
    count = 3 * (4 * 3 + 7 * 5 + 13 * 9)
    assert (scores.shape, priors.shape) == ((1, count, 4), (1, count, 5))


def test_a_sure_anchor_is_decoded_by_the_papers_formula(images: mx.nd.NDArray) -> None:
    net = ready()
    scores, codes, priors = net.network(images)
    scores = mx.nd.ones_like(scores) * -5
    row = 3 * (9 + 6 + 2) + 1  # second row and third column of the middle feature, second anchor
    scores[1, row] = mx.nd.array([2, -5, 1, -5])
    codes = mx.nd.zeros_like(codes)
    codes[1, row] = mx.nd.array([1, -1, 0.5, -0.5])
    ids, probs, corners = (a.asnumpy() for a in net.postprocess(scores, codes, priors))

    def sigmoid(x: float) -> float:
        return float(1 / (1 + np.exp(-x)))

    x, y = (2 + sigmoid(1)) * 16, (1 + sigmoid(-1)) * 16
    width, height = 62 * np.exp(0.5), 45 * np.exp(-0.5)
    expected = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    assert ids[1, 0, 0] == 1
    assert probs[1, 0, 0] == pytest.approx(sigmoid(2) * sigmoid(1), rel=1e-5)
    np.testing.assert_allclose(corners[1, 0], expected, rtol=1e-5)
    assert probs[0].max() < 0.01  # of the other image, nothing


def test_classes_are_reset_and_some_kept(images: mx.nd.NDArray) -> None:
    net = ready(["cat", "dog", "cow"])
    before = [a.asnumpy() for a in net.network(images)]
    net.hybridize()
    net(images)
    net.reset_class(["horse", "cow"], reuse=["cow"])
    assert net.labels == ("horse", "cow")
    after = [a.asnumpy() for a in net.network(images)]
    # Objects, boxes and cow as before; horse is new.
    np.testing.assert_allclose(after[1], before[1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(after[0][..., [0, 2]], before[0][..., [0, 3]], rtol=1e-4, atol=1e-5)
    assert np.abs(after[0][..., 1] - before[0][..., 1]).max() > 1e-3
    assert net(images)[0].asnumpy().max() <= 1


def test_what_finds_objects_is_kept_when_no_class_is(images: mx.nd.NDArray) -> None:
    net = ready()
    before = net.network(images)[0].asnumpy()
    net.reset_class(5)
    after = net.network(images)[0].asnumpy()
    assert after.shape[2] == 6
    np.testing.assert_allclose(after[..., 0], before[..., 0], rtol=1e-4, atol=1e-5)


def test_classes_can_be_reset_before_there_are_weights() -> None:
    net = small()
    net.reset_class(2)
    net.initialize()
    assert net.network(mx.nd.zeros((1, 3, 32, 32)))[0].shape[2] == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"anchors": ANCHORS[:2]}, r"anchors must be given for 3 features.*got \[3, 3\]"),
        ({"anchors": (*ANCHORS[:2], ANCHORS[2][:1])}, r"equally many at each; got \[3, 3, 1\]"),
        ({"anchors": ((), (), ())}, r"got \[0, 0, 0\]"),
    ],
)
def test_anchors_must_fit(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**options)


@pytest.mark.parametrize("strides", [(8, 16), (4, 8, 8)])
def test_features_must_halve(strides: tuple[int, ...]) -> None:
    backbone = BACKBONES.create("mobilenet0.25")
    backbone.strides = strides
    with pytest.raises(ValueError, match="last 3 features must each have twice the stride"):
        YOLO3(backbone, 3)


def test_an_exported_one_gives_the_same(
    images: mx.nd.NDArray, exported_equals: Callable[..., None]
) -> None:
    exported_equals(ready(), images, 1e-3)


def test_published_names_are_there() -> None:
    names = list_models("yolo3_*", task="yolo3")
    assert len(names) == 9
    published = [name for name in names if model_info(name).weights]
    assert published == [
        f"yolo3_{b}_{d}" for b in ("darknet53", "mobilenet1.0") for d in ("coco", "voc")
    ]
    assert {model_info(name).preprocess for name in names} == {"yolo3_416"}


@pytest.mark.parametrize(
    ("name", "examples"),
    [
        (
            "yolo3_mobilenet0.25_voc",
            {
                "stages.0.0.weight": "network.backbone.stem.conv.weight",
                "stages.0.30.weight": "network.backbone.blocks.4.1.conv.weight",
                "stages.1.1.gamma": "network.backbone.blocks.5.0.norm.gamma",
                "stages.2.10.beta": "network.backbone.blocks.12.1.norm.beta",
                "yolo_outputs.2.offsets": "network.grids.2.offsets",
            },
        ),
        (
            "yolo3_darknet53_coco",
            {
                "stages.0.14.body.1.0.weight": "network.backbone.layers.14.body.1.conv.weight",
                "stages.1.0.0.weight": "network.backbone.layers.15.conv.weight",
                "stages.2.0.1.gamma": "network.backbone.layers.24.norm.gamma",
                "yolo_blocks.1.tip.0.weight": "network.blocks.1.tip.conv.weight",
            },
        ),
    ],
)
def test_upstreams_keys_turn_into_ours_and_back(
    name: str, examples: dict[str, str], keys_turn_back: Callable[..., None]
) -> None:
    keys_turn_back(name, examples)


def test_a_published_model_has_its_labels_and_loads_upstreams_names(tmp_path: Path) -> None:
    net = get_model("yolo3_mobilenet0.25_coco")
    assert net.labels is not None
    assert (len(net.labels), net.labels[0]) == (80, "person")
    net.initialize()
    expected = get_arrays(net)
    table = next(t for t in net.info.renames if t.name == "gluoncv_mobilenet")
    file = {table.to_foreign(key): mx.nd.array(value) for key, value in expected.items()}
    mx.nd.save(str(tmp_path / "upstream.params"), file)
    again = get_arrays(get_model("yolo3_mobilenet0.25_coco", tmp_path / "upstream.params"))
    assert again.keys() == expected.keys()
    assert all((value == expected[key]).all() for key, value in again.items())
    custom = get_model("yolo3_mobilenet0.25_custom", classes=2)
    assert (custom.classes, custom.labels) == (2, None)
