from __future__ import annotations

import numpy as np
import pytest

from toolkit.utils.metrics.official_coco import indexed
from toolkit.utils.pose_similarity import oks, suppress_poses


def poses(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 100, (count, 17, 2))


def test_equals_the_official_code() -> None:
    evaluation_of = pytest.importorskip("pycocotools.cocoeval").COCOeval
    coco = indexed({})
    rng = np.random.default_rng(1)
    true = poses(3)
    found = np.concatenate([true + rng.normal(0, 5, true.shape), poses(2, 7)])
    seen, areas = rng.random((3, 17)) < 0.7, rng.uniform(2000, 9000, 3)
    evaluation = evaluation_of(coco, coco, "keypoints")
    joints = np.concatenate([true, 2.0 * seen[..., None]], 2)
    boxes = [[0, 0, 100, 100]] * 3
    evaluation._gts[1, 1] = [
        {"keypoints": row.ravel().tolist(), "area": area, "bbox": box}
        for row, area, box in zip(joints, areas, boxes, strict=True)
    ]
    rows = np.concatenate([found, np.ones((5, 17, 1))], 2)
    scores = np.arange(5, 0, -1)  # the official code sorts by them
    evaluation._dts[1, 1] = [
        {"keypoints": row.ravel().tolist(), "score": score}
        for row, score in zip(rows, scores, strict=True)
    ]
    expected = evaluation.computeOks(1, 1)
    np.testing.assert_allclose(oks(found, true, areas, seen=seen), expected, rtol=1e-9)
    assert expected.max() > 0.5 > expected.min()


def test_known_values() -> None:
    one = np.zeros((1, 2, 2))
    off = one + np.array([3, 4])  # five pixels
    found = oks(one, off, np.array([100.0]), deviations=(0.25, 0.5))
    assert found == pytest.approx((np.exp(-0.5) + np.exp(-0.125)) / 2)
    none = oks(one, one, np.array([100.0]), deviations=(0.25, 0.5), seen=np.zeros((1, 2), bool))
    assert none == 0
    with pytest.raises(ValueError, match=r"poses \(K, 17, 2\) .* got \(1, 2, 2\)"):
        oks(one, one, np.array([1.0]))


def test_the_best_of_those_alike_are_kept() -> None:
    joints = np.concatenate([poses(2), poses(2) + 1])
    scores = np.array([0.5, 0.9, 0.8, 0.7])
    areas = np.full(4, 5000.0)
    assert suppress_poses(joints, scores, areas).tolist() == [1, 2]
    assert suppress_poses(joints, scores, areas, threshold=1.0).tolist() == [1, 2, 3, 0]
    assert suppress_poses(joints[:0], scores[:0], areas[:0]).tolist() == []
