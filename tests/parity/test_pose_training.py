"""What pose estimators learn from, and how they are read and scored, equals GluonCV's."""

from __future__ import annotations

import importlib
from types import ModuleType

import mxnet as mx
import numpy as np
import pytest

from toolkit.data.vision import (
    PRESETS,
    PersonCrop,
    PoseBatch,
    draw_heatmaps,
    flip_heatmaps,
    read_heatmaps,
)
from toolkit.data.vision.transforms import Window, move_points
from toolkit.model_zoo import model_info
from toolkit.utils.metrics import HeatmapAccuracy
from toolkit.utils.skeletons import COCO_PERSON

pytestmark = pytest.mark.parity

SIZE = (256, 192)
PAIRS = [[i, i + 1] for i in range(1, 17, 2)]


@pytest.fixture
def theirs(gluoncv: ModuleType) -> ModuleType:
    return importlib.import_module("gluoncv.data.transforms.pose")


def person() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A picture of noise, a box, and joints in it, three of which are not labelled."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (300, 400, 3), np.uint8)
    joints = np.concatenate([rng.uniform([60, 40], [180, 280], (17, 2)), np.full((17, 1), 2)], 1)
    joints[[2, 8, 11], 2] = 0
    return image, np.array([60, 40, 180, 280], np.float32), joints.astype(np.float32)


def in_depth(joints: np.ndarray) -> np.ndarray:
    """Joints ``(J, 3)`` as upstream has them: ``(J, 3, 2)``, places and whether they are seen."""
    result = np.zeros((len(joints), 3, 2), np.float32)
    result[:, :2, 0] = joints[:, :2]
    result[:, :2, 1] = joints[:, 2:] > 0
    return result


@pytest.mark.parametrize("angle", [0, 37.5, -140])
def test_windows(theirs: ModuleType, angle: float) -> None:
    center, width = np.array([123.25, 88.5], np.float32), 150.0
    scale = np.array([width, width * SIZE[0] / SIZE[1]], np.float32)
    expected = theirs.get_affine_transform(center, scale, angle, list(SIZE[::-1]))
    window = Window(tuple(center.tolist()), width, angle)
    np.testing.assert_allclose(window.matrix(SIZE), expected, rtol=1e-4, atol=1e-3)


def test_images_and_targets(gluoncv: ModuleType) -> None:
    """All that their transform does to a person where nothing is left to chance."""
    presets = importlib.import_module("gluoncv.data.transforms.presets.simple_pose")
    transform = presets.SimplePoseDefaultTrainTransform(
        num_joints=17,
        joint_pairs=PAIRS,
        image_size=SIZE,
        heatmap_size=(64, 48),
        scale_factor=0,
        rotation_factor=0,
        random_flip=False,
    )
    image, box, joints = person()
    label = {"bbox": box.tolist(), "joints_3d": in_depth(joints)}
    pixels, target, weight, _ = transform(mx.nd.array(image, dtype="uint8"), label, "")
    batch = PoseBatch()([PersonCrop(SIZE)((image, box, joints))], None)
    np.testing.assert_allclose(batch["images"][0], pixels.asnumpy(), atol=0.02)  # of a gray level
    np.testing.assert_array_equal(batch["weights"][0], np.reshape(weight, -1))
    there = np.reshape(weight, -1) > 0  # upstream draws what it gives no weight, too
    np.testing.assert_allclose(batch["maps"][0][there], np.asarray(target)[there], atol=1e-6)
    assert there.sum() == 14


def test_pixels_of_alpha_pose(theirs: ModuleType) -> None:
    """A picture that is as large as what the network sees, of which theirs cuts off the edge."""
    image = np.full((*SIZE, 3), [200, 100, 50], np.uint8)
    whole = mx.nd.array([[0, 0, SIZE[1], SIZE[0]]])
    pixels, _ = theirs.alpha_pose_image_cropper(image, whole, mx.nd.ones(1), SIZE)
    name = model_info("alpha_pose_resnet101_v1b_coco").preprocess
    found = PRESETS[name](image)
    np.testing.assert_allclose(found[:, 9:-9, 9:-9], pixels[0, :, 9:-9, 9:-9].asnumpy(), atol=1e-6)


def test_places_in_the_picture(theirs: ModuleType) -> None:
    rng = np.random.default_rng(0)
    joints = np.concatenate([rng.uniform(16, [176, 240], (17, 2)), np.full((17, 1), 2)], 1)
    maps = draw_heatmaps(joints, SIZE)[0] + rng.uniform(0, 0.1, (17, 64, 48)).astype(np.float32)
    windows = [Window((90.5, 120.25), 130.0), Window((300.0, 41.0), 61.5)]
    both = np.stack([maps, maps[::-1]])
    scales = [np.array([w.width, w.width * SIZE[0] / SIZE[1]]) for w in windows]
    centers = [np.array(w.center) for w in windows]
    expected, heat = theirs.get_final_preds(mx.nd.array(both), centers, scales)
    places, scores = read_heatmaps(both)
    back = np.stack([window.inverse(SIZE) for window in windows])
    found = move_points(places * 4, back)
    np.testing.assert_allclose(found, expected.asnumpy(), atol=1e-2)
    np.testing.assert_allclose(scores, heat.asnumpy()[..., 0])


@pytest.mark.parametrize("shift", [False, True])
def test_maps_of_mirrored_pictures(theirs: ModuleType, shift: bool) -> None:
    maps = np.random.default_rng(0).normal(size=(2, 17, 8, 6)).astype(np.float32)
    expected = theirs.flip_heatmap(mx.nd.array(maps), PAIRS, shift)
    found = flip_heatmaps(maps, COCO_PERSON.mirror, shift=shift)
    np.testing.assert_array_equal(found, expected.asnumpy())


def test_accuracy(gluoncv: ModuleType) -> None:
    """On square maps: upstream measures x in tenths of the height, and y in those of the width."""
    module = importlib.import_module("gluoncv.utils.metrics.heatmap_accuracy")
    rng = np.random.default_rng(0)
    joints = rng.uniform(20, 230, (12, 5, 2))
    moved = joints + rng.normal(0, 12, joints.shape)
    shown = np.ones((12, 5, 1))
    target, found = (
        np.stack([draw_heatmaps(one, 256)[0] for one in np.concatenate([places, shown], 2)])
        for places in (joints, moved)
    )
    metric, ours = module.HeatmapAccuracy(), HeatmapAccuracy()
    metric.update([mx.nd.array(target)], [mx.nd.array(found)])
    ours.update((target, shown[..., 0]), found)
    assert ours.get()["pck"] == pytest.approx(metric.get()[1])
    assert 0.3 < ours.get()["pck"] < 0.9
