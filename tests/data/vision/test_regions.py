from __future__ import annotations

import numpy as np
import pytest

from toolkit.data import DataLoader
from toolkit.data.batchify import List
from toolkit.data.vision import PRESETS, RegionBatch

PRESET = PRESETS["rcnn_600"].with_size(30)


def sample(height: int, width: int, objects: int, *, masks: bool = False) -> tuple:
    rng = np.random.default_rng(objects)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    low = rng.uniform(0, 20, (objects, 2))
    boxes = np.concatenate([low, low + 20], 1).astype(np.float32)
    one = image, boxes, np.arange(objects), np.zeros(objects, bool)
    planes = np.zeros((objects, height, width), np.uint8)
    planes[:, : height // 2] = 1
    return (*one, planes) if masks else one


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_pictures_keep_their_aspect_and_fill_up_to_the_largest():
    samples = [sample(60, 80, 2), sample(120, 60, 3), sample(60, 60, 0)]
    batch = RegionBatch(PRESET, stride=16)(samples, rng())
    assert batch["images"].shape == (3, 3, 64, 48)
    np.testing.assert_array_equal(batch["sizes"], [[30, 40], [50, 25], [30, 30]])
    np.testing.assert_allclose(batch["scales"], batch["sizes"] / [[60, 80], [120, 60], [60, 60]])
    boxes, ids, hard = batch["labels"]
    np.testing.assert_allclose(boxes[0, :2], samples[0][1] / 2)
    np.testing.assert_array_equal(ids, [[0, 1, -1], [0, 1, 2], [-1] * 3])
    assert (boxes[2] == -1).all()
    assert hard.shape == ids.shape
    for image, (height, width) in zip(batch["images"], batch["sizes"].astype(int), strict=True):
        assert not image[:, height:].any()
        assert not image[:, :, width:].any()
        assert image[:, :height, :width].std() > 0.1
    np.testing.assert_array_equal(batch["images"][0, :, :30, :40], PRESET(samples[0][0]))
    assert batch["targets"] == ()
    assert "masks" not in batch


def test_masks_are_laid_where_their_pictures_are():
    samples = [sample(60, 80, 2, masks=True), sample(90, 60, 0, masks=True)]
    masks = RegionBatch(PRESET, stride=8)(samples, rng())["masks"]
    assert (masks.shape, masks.dtype) == ((2, 2, 48, 40), np.uint8)
    expected = np.zeros((2, 48, 40))
    expected[:, :15] = 1
    np.testing.assert_array_equal(masks[0], expected)
    assert not masks[1].any()


def test_what_is_no_box_is_dropped_with_its_mask():
    image, boxes, ids, hard, masks = sample(60, 60, 3, masks=True)
    boxes[1] = [50, 10, 20, 30]
    boxes[2] = np.nan
    batch = RegionBatch(PRESET)([(image, boxes, ids, hard, masks)], rng())
    assert batch["labels"][1].tolist() == [[0]]
    assert batch["masks"].shape == (1, 1, 30, 30)


def test_each_batch_draws_a_side_and_its_targets_know():
    seen = []

    def targets(boxes, ids, sizes, size, generator):
        seen.append((size, tuple(sizes[0])))
        return (ids + generator.random(),)

    batches = RegionBatch(PRESET, (30, 60), stride=32, targets=targets)
    results = [batches([sample(60, 80, 1)], np.random.default_rng(seed)) for seed in range(8)]
    assert set(seen) == {((32, 64), (30, 40)), ((64, 96), (60, 80))}
    assert results[0]["targets"][0].shape == (1, 1)
    again = batches([sample(60, 80, 1)], np.random.default_rng(3))
    np.testing.assert_array_equal(again["targets"][0], results[3]["targets"][0])


@pytest.mark.parametrize("workers", [0, 1])
def test_a_loader_makes_batches_in_workers(workers):
    data = [sample(60, 80, 2, masks=True)] * 4
    options = {"batchify": List(), "batch_transform": RegionBatch(PRESET), "workers": workers}
    with DataLoader(data, 2, **options) as loader:
        batches = list(loader)
    assert [batch["masks"].shape for batch in batches] == [(2, 2, 30, 40)] * 2


def test_wrong_arguments_are_explained():
    with pytest.raises(ValueError, match="'ssd_512' does not keep the aspect"):
        RegionBatch(PRESETS["ssd_512"])
    with pytest.raises(ValueError, match="stride must be at least 1, got 0"):
        RegionBatch(PRESET, stride=0)
