"""SSD: predictions, detections, other classes and other backbones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_model, list_models, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.tasks.ssd import SSD
from toolkit.model_zoo.weights import get_arrays
from toolkit.nn.nms import Suppression
from toolkit.utils.boxes import to_corners
from toolkit.utils.testing import assert_is_detector

ALL = Suppression(score=0.0)
SIDE = 128


def small(classes: Any = 3, backbone: str = "mobilenet0.25", **options: Any) -> SSD:
    """A small one with random weights."""
    net = SSD(BACKBONES.create(backbone), classes, layout=SIDE, suppression=ALL, **options)
    net.initialize(mx.init.MSRAPrelu("in", 0))  # keeps the signal through many layers
    return net


@pytest.fixture
def images() -> mx.nd.NDArray:
    return mx.nd.array(np.random.default_rng(0).normal(size=(2, 3, SIDE, SIDE)))


@pytest.mark.parametrize("backbone", ["mobilenet0.25", "resnet18_v2"])
def test_it_is_a_detector(backbone: str) -> None:
    assert_is_detector(lambda: SSD(BACKBONES.create(backbone), 3, layout=96, suppression=ALL))


def test_predictions_are_one_row_an_anchor(images: mx.nd.NDArray) -> None:
    net = small()
    scores, codes, anchors = net.network(images)
    count = sum(
        len(shapes) * (SIDE // step) ** 2
        for shapes, step in zip(net.layout.shapes(), net.layout.steps, strict=True)
    )
    assert scores.shape == (2, count, 4)
    assert codes.shape == (2, count, 4)
    assert anchors.shape == (1, count, 4)


def test_a_pyramid_gives_fine_features_what_coarse_ones_know(images: mx.nd.NDArray) -> None:
    layout = {"size": SIDE, "features": 3, "channels": 16, "pyramid": 8}
    net = SSD(BACKBONES.create("squeezenet1.0", padded=True), 3, layout=layout)
    net.initialize(mx.init.MSRAPrelu("in", 0))
    scores, _, anchors = net.network(images)
    assert net.layout.steps == (4, 8, 16, 32)
    assert scores.shape[1] == anchors.shape[1] == 4 * (32**2 + 4**2) + 6 * (16**2 + 8**2)
    images[:, :, 48:] = 0  # far from the first cells of the finest feature
    changed = net.network(images)[0] - scores
    assert mx.nd.abs(changed[:, :4]).max().asscalar() > 0


def test_a_sure_anchor_is_found_where_it_stands(images: mx.nd.NDArray) -> None:
    net = small()
    scores, codes, anchors = net.network(images)
    scores = mx.nd.zeros_like(scores)
    scores[:, :, 0] = 20  # everything is background,
    scores[1, 7, 3] = 30  # but one
    ids, probs, corners = net.postprocess(scores, mx.nd.zeros_like(codes), anchors)
    assert ids[1, 0, 0].asscalar() == 2
    assert probs[1, 0, 0].asscalar() == pytest.approx(1, abs=1e-4)
    expected = to_corners(anchors[0, 7].asnumpy())
    np.testing.assert_allclose(corners[1, 0].asnumpy(), expected, rtol=1e-5, atol=1e-4)
    assert ids[0, :3, 0].asnumpy().tolist() != [2, 2, 2]


def test_classes_are_reset_and_some_kept(images: mx.nd.NDArray) -> None:
    net = small(["cat", "dog", "cow"])
    before = net.network(images)[0].asnumpy()
    net.hybridize()
    net(images)
    net.reset_class(["horse", "cow"], reuse=["cow"])
    assert net.labels == ("horse", "cow")
    after = net.network(images)[0].asnumpy()
    assert after.shape[2] == 3
    # Background and cow score as before; horse does not.
    np.testing.assert_allclose(after[..., [0, 2]], before[..., [0, 3]], rtol=1e-4, atol=1e-5)
    assert np.abs(after[..., 1] - before[..., 1]).max() > 1e-3
    assert net(images)[0].asnumpy().max() <= 1


def test_detections_can_be_limited(images: mx.nd.NDArray) -> None:
    net = small()
    net.hybridize()
    assert net(images)[0].shape == (2, 100, 1)
    net.set_nms(detections=7, score=0.2)
    ids, scores, _ = (a.asnumpy() for a in net(images))
    assert ids.shape == (2, 7, 1)
    assert (scores[ids >= 0] > 0.2).all()
    with pytest.raises(TypeError, match="topk"):
        net.set_nms(topk=3)


def test_an_unknown_layout_names_the_near_ones() -> None:
    backbone = BACKBONES.create("mobilenet0.25")
    with pytest.raises(ValueError, match=r"unknown SSD layout 'resnet_51'.*resnet_512"):
        SSD(backbone, 3, layout="resnet_51")


def test_an_exported_one_gives_the_same(
    images: mx.nd.NDArray, exported_equals: Callable[..., None]
) -> None:
    exported_equals(small(), images, 1e-4)


def test_published_names_are_there() -> None:
    names = list_models("ssd_*", task="ssd")
    assert len(names) == 23 + 4
    int8 = [name for name in names if model_info(name).precision == "int8"]
    assert int8 == [name for name in names if name.endswith("_int8")]
    assert len(int8) == 4


def test_a_published_model_has_its_labels_and_loads_its_own_weights(tmp_path: Path) -> None:
    net = get_model("ssd_300_mobilenet0.25_coco")
    assert net.labels is not None
    assert (len(net.labels), net.labels[0]) == (80, "person")
    net.initialize()
    net.save_parameters(str(tmp_path / "own.params"))
    again = get_model("ssd_300_mobilenet0.25_coco", tmp_path / "own.params")
    expected = get_arrays(net)
    assert all((value == expected[key]).all() for key, value in get_arrays(again).items())
    custom = get_model("ssd_300_mobilenet0.25_custom", classes=2)
    assert (custom.classes, custom.labels) == (2, None)
