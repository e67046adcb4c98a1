"""CenterNet: predictions, detections, other classes, other backbones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit import deploy
from toolkit.model_zoo import get_model, list_models, model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.tasks.center_net import CenterNet
from toolkit.model_zoo.tasks.center_net_necks import Neck
from toolkit.model_zoo.weights import get_arrays
from toolkit.utils.testing import assert_is_detector

SMALL = Neck("deconv", (16, 12, 8))


def small(classes: Any = 3, backbone: str = "mobilenet0.25", **options: Any) -> CenterNet:
    """A small one."""
    options = {"neck": SMALL, "head_channels": 8, **options}
    return CenterNet(BACKBONES.create(backbone), classes, **options)


def ready(classes: Any = 3, **options: Any) -> CenterNet:
    """A small one with random weights."""
    net = small(classes, **options)
    net.initialize(mx.init.MSRAPrelu("in", 0), force_reinit=True)
    net.network.size_head[1].weight.set_data(mx.nd.random.normal(shape=(2, 8, 1, 1)))
    return net


@pytest.fixture
def images() -> mx.nd.NDArray:
    return mx.nd.array(np.random.default_rng(0).normal(size=(2, 3, 32, 64)))


def test_it_is_a_detector() -> None:
    assert_is_detector(small, (2, 3, 32, 64))


def test_predictions_are_maps_on_the_fine_grid(images: mx.nd.NDArray) -> None:
    net = ready()
    assert [a.shape for a in net.network(images)] == [(2, n, 8, 16) for n in (3, 2, 2)]
    assert net.network.stride == 4


def test_classes_begin_rare() -> None:
    net = small()
    net.initialize()
    probs = net.network(mx.nd.zeros((1, 3, 64, 64)))[0].sigmoid().asnumpy()
    np.testing.assert_allclose(probs, 0.1, atol=0.01)


def test_a_peak_is_decoded_and_its_neighbours_are_not(images: mx.nd.NDArray) -> None:
    net = ready()
    scores, sizes, offsets = (mx.nd.zeros_like(a) for a in net.network(images))
    scores = scores - 9
    scores[1, 2, 5, 7] = 3.0
    scores[1, 2, 5, 8] = 2.0  # beside a higher one of its class
    scores[1, 0, 6, 7] = 1.0  # of another class
    for y, x in ((5, 7), (6, 7)):
        sizes[1, :, y, x] = mx.nd.array([4, 2])
        offsets[1, :, y, x] = mx.nd.array([0.25, 0.5])
    ids, probs, corners = (a.asnumpy() for a in net.postprocess(scores, sizes, offsets))
    assert ids[1, :2, 0].tolist() == [2, 0]
    np.testing.assert_allclose(probs[1, :2, 0], 1 / (1 + np.exp([-3.0, -1.0])), rtol=1e-5)
    np.testing.assert_allclose(corners[1, 0], [4 * (7.25 - 2), 18, 4 * (7.25 + 2), 26], rtol=1e-5)
    np.testing.assert_allclose(corners[1, 1], [21, 22, 37, 30], rtol=1e-5)
    assert probs[1, 2:].max() < 0.01


def test_mirrored_images_count_as_much(images: mx.nd.NDArray) -> None:
    net, twice = ready(), small(flip=True)
    twice.initialize()
    for ours, theirs in zip(
        twice.collect_params().values(), net.collect_params().values(), strict=True
    ):
        ours.set_data(theirs.data())
    once, both = net(images), twice(images)
    assert np.abs(once[1].asnumpy() - both[1].asnumpy()).max() > 1e-4
    # Of a mirrored image it finds as much, mirrored; but for offsets, which are not averaged.
    again = twice(images.flip(axis=3))
    np.testing.assert_allclose(again[1].asnumpy(), both[1].asnumpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(again[0].asnumpy(), both[0].asnumpy())


def test_classes_are_reset_and_some_kept(images: mx.nd.NDArray) -> None:
    net = ready(["cat", "dog", "cow"])
    before = [a.asnumpy() for a in net.network(images)]
    net.hybridize()
    net(images)
    net.reset_class(["horse", "cow"], reuse=["cow"])
    assert net.labels == ("horse", "cow")
    after = [a.asnumpy() for a in net.network(images)]
    assert after[0].shape[1] == 2
    np.testing.assert_allclose(after[0][:, 1], before[0][:, 2], rtol=1e-4, atol=1e-5)
    assert np.abs(after[0][:, 0] - before[0][:, 2]).max() > 1e-3
    np.testing.assert_allclose(after[1], before[1], rtol=1e-4, atol=1e-5)
    assert net(images)[0].asnumpy().max() <= 1


def test_an_unknown_neck_names_the_near_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown neck 'deconvv'.*deconv"):
        small(neck="deconvv")


@pytest.mark.parametrize("neck", [SMALL, Neck("deconv", (8, 8, 8), deformable=True)])
def test_an_exported_one_gives_the_same(neck: Neck, images: mx.nd.NDArray, tmp_path: Path) -> None:
    net = ready(neck=neck)
    expected = [a.asnumpy() for a in net(images)]
    manifest = deploy.export(net, tmp_path / "center", images)
    results = deploy.load(manifest)(images.asnumpy())
    np.testing.assert_allclose(results[1], expected[1], rtol=1e-4, atol=1e-5)
    same = results[0] == expected[0]  # the order of equal scores may differ
    assert same.mean() > 0.95
    np.testing.assert_allclose(
        results[2][same[..., 0]], expected[2][same[..., 0]], rtol=1e-3, atol=1e-2
    )


def test_published_names_are_there() -> None:
    names = list_models("center_net_*", task="center_net")
    assert len(names) == 20
    assert len([name for name in names if model_info(name).weights]) == 16
    assert {model_info(name).preprocess for name in names} == {"center_net_512"}
    voc, coco = (f"center_net_mobilenetv3_small_duc_{data}" for data in ("voc", "coco"))
    assert get_model(voc).postprocess.nms.suppression.detections == 40
    assert get_model(coco).postprocess.nms.suppression.detections == 100


@pytest.mark.parametrize(
    ("name", "table", "foreign", "ours"),
    [
        (
            "resnet18_v1b_dcnv2_voc",
            "gluoncv_resnet_dcnv2",
            "base_network.deconv.6.deformable_conv_weight",
            "network.neck.layers.1.conv.conv.weight",
        ),
        (
            "resnet18_v1b_dcnv2_voc",
            "gluoncv_resnet_dcnv2",
            "base_network.deconv.0.offset_bias",
            "network.neck.layers.0.conv.conv.offset.bias",
        ),
        (
            "mobilenetv3_small_duc_coco",
            "gluoncv_mobilenet_small",
            "heads.2.2.bias",
            "network.offset_head.1.bias",
        ),
    ],
)
def test_upstreams_keys_turn_into_ours_and_back(
    name: str, table: str, foreign: str, ours: str
) -> None:
    keys = set(get_model(f"center_net_{name}")._collect_params_with_prefix())
    rows = next(t for t in model_info(f"center_net_{name}").renames if t.name == table)
    assert ours in keys
    assert (rows.to_ours(foreign), rows.to_foreign(ours)) == (ours, foreign)
    assert {rows.to_ours(rows.to_foreign(key) or "") for key in keys} == keys


def test_a_published_model_has_its_labels_and_loads_upstreams_names(tmp_path: Path) -> None:
    name = "center_net_mobilenetv3_small_duc_coco"
    net = get_model(name)
    assert net.labels is not None
    assert (len(net.labels), net.labels[0]) == (80, "person")
    net.initialize()
    expected = get_arrays(net)
    table = next(t for t in net.info.renames if t.name == "gluoncv_mobilenet_small")
    file = {table.to_foreign(key): mx.nd.array(value) for key, value in expected.items()}
    mx.nd.save(str(tmp_path / "upstream.params"), file)
    again = get_arrays(get_model(name, tmp_path / "upstream.params"))
    assert all((value == expected[key]).all() for key, value in again.items())
