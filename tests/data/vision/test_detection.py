from __future__ import annotations

import numpy as np
import pytest

from toolkit.data import DataLoader
from toolkit.data.batchify import List
from toolkit.data.vision import AUGMENTS, PRESETS, BoxAugment, BoxBatch
from toolkit.data.vision.detection import pad_boxes

PRESET = PRESETS["ssd_512"].with_size(32)


def sample(objects: int, height: int = 40, width: int = 60) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(objects)
    low = rng.uniform(0, 25, (objects, 2))
    boxes = np.concatenate([low, low + 10], 1).astype(np.float32)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    return image, boxes, np.arange(objects), np.zeros(objects, bool)


class Failing(list):
    """Samples of which one cannot be read."""

    def __getitem__(self, index):
        if index == 1:
            raise OSError("a corrupt picture")
        return super().__getitem__(index)


@pytest.mark.parametrize("name", sorted(AUGMENTS))
def test_augmented_samples_are_samples(name):
    changed = 0
    for seed in range(12):
        before = sample(seed % 4)
        image, boxes, ids, hard = AUGMENTS[name](before, np.random.default_rng(seed))
        assert image.dtype == np.uint8
        assert boxes.dtype == np.float32
        assert len(boxes) == len(ids) == len(hard)
        assert len(ids) > 0 or seed % 4 == 0
        assert ((boxes >= 0) & (boxes <= [image.shape[1], image.shape[0]] * 2)).all()
        assert set(ids) <= set(before[2])
        changed += image.shape != before[0].shape or (image != before[0]).any()
    # R-CNNs were trained with the mirror image alone.
    assert changed == 0 if name == "none" else changed > (3 if name == "rcnn" else 8)


@pytest.mark.parametrize("name", sorted(AUGMENTS))
def test_masks_move_with_their_objects(name):
    for seed in range(8):
        image, _, ids, hard = sample(3)
        boxes = np.array([[4, 6, 14, 20], [30, 10, 55, 30], [20, 25, 40, 39]], np.float32)
        masks = np.zeros((3, *image.shape[:2]), np.uint8)
        for mask, (x0, y0, x1, y1) in zip(masks, boxes.astype(int), strict=True):
            mask[y0:y1, x0:x1] = 1
        before = (image, boxes, ids, hard)
        *masked, planes = AUGMENTS[name]((*before, masks), np.random.default_rng(seed))
        plain = AUGMENTS[name](before, np.random.default_rng(seed))
        for ours, theirs in zip(masked, plain, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        assert planes.shape == (len(masked[2]), *masked[0].shape[:2])
        for mask, (x0, y0, x1, y1) in zip(planes, masked[1].astype(int), strict=True):
            assert mask[y0:y1, x0:x1].all()
            assert mask.sum() == (x1 - x0) * (y1 - y0)


def test_the_same_generator_gives_the_same_sample():
    first, second = (BoxAugment()(sample(3), np.random.default_rng(5)) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_is_no_box_is_dropped():
    image, boxes, ids, hard = sample(5)
    boxes[:4] = [[5, 5, 5, 9], [20, 20, 10, 30], [np.nan, 0, 9, 9], [70, 0, 90, 9]]
    for change in (AUGMENTS["none"], lambda one, _: one):
        one = change((image, boxes, ids, hard), np.random.default_rng(0))
        batch = BoxBatch(PRESET)([one], np.random.default_rng(0))
        assert [i for i in batch["labels"][1][0] if i >= 0] == [4]


def test_batches_are_padded_and_scaled():
    samples = [sample(2), sample(0, 20, 20), sample(3, 64, 64)]
    batch = BoxBatch(PRESET)(samples, np.random.default_rng(0))
    boxes, ids, hard = batch["labels"]
    assert batch["images"].shape == (3, 3, 32, 32)
    assert batch["images"].dtype == boxes.dtype == ids.dtype == hard.dtype == np.float32
    assert boxes.shape == (3, 3, 4)
    np.testing.assert_array_equal(ids, [[0, 1, -1], [-1, -1, -1], [0, 1, 2]])
    np.testing.assert_allclose(boxes[2], samples[2][1] / 2)
    scale = np.array([32 / 60, 32 / 40] * 2)
    np.testing.assert_allclose(boxes[0, :2], samples[0][1] * scale, rtol=1e-5)
    assert (boxes[1] == -1).all()
    assert batch["targets"] == ()


def test_each_batch_draws_a_size_and_its_targets_know():
    seen = []

    def targets(boxes, ids, weights, size):
        seen.append(size)
        return (boxes.max((1, 2)), weights)

    batch = BoxBatch(PRESET, sizes=((32, 32), (64, 64)), targets=targets)
    for seed in range(8):
        made = batch([sample(2), sample(1)], np.random.default_rng(seed))
        assert made["images"].shape[2:] == seen[-1]
        assert made["targets"][0].shape == (2,)
        np.testing.assert_array_equal(made["targets"][1], [[1, 1], [1, 0]])
    assert set(seen) == {(32, 32), (64, 64)}


def test_mixed_batches_have_the_objects_of_both():
    weights = []

    def targets(*given):
        weights.append(given[2])
        return ()

    batch = BoxBatch(PRESET, mixup=1.5, targets=targets)
    made = batch([sample(2), sample(1)], np.random.default_rng(3))
    assert made["labels"][0].shape == (2, 4, 4)
    assert (weights[0] <= 1).all()
    np.testing.assert_array_equal(weights[0] > 0, made["labels"][1] >= 0)


def test_a_loader_skips_and_counts_what_cannot_be_read():
    data = Failing([sample(2), sample(1), sample(0), sample(3)])
    how = {"batchify": List(), "transform": BoxAugment(), "batch_transform": BoxBatch(PRESET)}
    loader = DataLoader(data, 2, on_error="skip", **how)
    assert [len(batch["images"]) for batch in loader] == [1, 2]
    assert loader.skipped == 1


def test_padding_of_nothing():
    empty = np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, bool)
    boxes, ids, hard = pad_boxes([empty, empty])
    assert (boxes.shape, ids.shape, hard.shape) == ((2, 1, 4), (2, 1), (2, 1))
    assert (ids == -1).all()


def test_a_preset_that_crops_is_refused():
    with pytest.raises(ValueError, match="'imagenet' does not resize straight"):
        BoxBatch(PRESETS["imagenet"])
