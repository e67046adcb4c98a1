"""The loss of pixels against its formula in NumPy, and its gradient by finite differences."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import mxnet as mx
import numpy as np
import pytest

from toolkit.loss import SegmentationLoss


def entropies(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Of each pixel that is not ignored."""
    shifted = scores - scores.max(1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    own = np.take_along_axis(logs, np.maximum(labels, 0)[:, None], 1)[:, 0]
    return -own[labels >= 0]


@pytest.fixture
def batch() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    main, other = rng.normal(size=(2, 2, 4, 3, 5)).astype(np.float32) * 2
    return main, other, rng.integers(-1, 4, (2, 3, 5))


@pytest.mark.parametrize("hybridize", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_it_is_the_mean_over_the_pixels_that_count(batch, hybridize, dtype):
    main, other, labels = batch
    loss = SegmentationLoss(0.3)
    loss.hybridize(hybridize)
    value = loss(tuple(map(mx.nd.array, (main, other))), mx.nd.array(labels, dtype=dtype))
    expected = entropies(main, labels).mean() + 0.3 * entropies(other, labels).mean()
    np.testing.assert_allclose(value.asscalar(), expected, rtol=1e-5)


def test_one_head_alone_will_do(batch):
    main, _, labels = batch
    value = SegmentationLoss()(mx.nd.array(main), mx.nd.array(labels)).asscalar()
    np.testing.assert_allclose(value, entropies(main, labels).mean(), rtol=1e-5)


def test_coarse_scores_are_interpolated(batch):
    main, _, labels = batch
    coarse = main[:, :, ::2, ::4]
    value = SegmentationLoss()(mx.nd.array(coarse), mx.nd.array(labels)).asscalar()
    # Between the same middles of corners.
    places = [np.linspace(0, n - 1, m) for n, m in zip(coarse.shape[2:], (3, 5), strict=True)]
    rows, columns = np.meshgrid(*places, indexing="ij")
    large = [
        cv2.remap(plane, columns.astype(np.float32), rows.astype(np.float32), cv2.INTER_LINEAR)
        for plane in coarse.reshape(-1, *coarse.shape[2:]).copy()
    ]
    expected = entropies(np.reshape(large, main.shape), labels).mean()
    np.testing.assert_allclose(value, expected, rtol=1e-4)


@pytest.mark.parametrize("least", [1, 5, 10_000])
@pytest.mark.parametrize("hybridize", [False, True])
def test_of_hard_pixels_there_are_at_least_so_many(batch, least, hybridize):
    main, _, labels = batch
    loss = SegmentationLoss(hard=0.1, least=least)
    loss.hybridize(hybridize)
    value = loss(mx.nd.array(main), mx.nd.array(labels)).asscalar()
    every = np.sort(entropies(main, labels))[::-1]
    hard = every[every >= -np.log(0.1)]
    kept = hard if len(hard) >= least else every[:least]
    np.testing.assert_allclose(value, kept.mean(), rtol=1e-5)
    assert 1 < len(hard) < len(every)


def test_all_ignored_is_zero_not_nan(batch):
    main, _, labels = batch
    for loss in (SegmentationLoss(), SegmentationLoss(hard=0.5)):
        value = loss(mx.nd.array(main), mx.nd.array(np.full_like(labels, -1)))
        assert value.asscalar() == 0


@pytest.mark.parametrize("options", [{}, {"hard": 0.4, "least": 3}])
def test_gradient_equals_finite_differences(batch, options, check_gradient: Callable):
    main, _, labels = batch

    def reference(scores: np.ndarray, ids: np.ndarray) -> float:
        every = np.sort(entropies(scores, ids.astype(int)))[::-1]
        hard = every[every >= -np.log(options.get("hard", 1.0))]
        return float((hard if len(hard) >= 3 else every[:3]).mean())

    check_gradient(SegmentationLoss(**options), reference, [main, labels])


@pytest.mark.parametrize("wrong", [{"auxiliary": -1}, {"hard": 0.0}, {"hard": 2.0}, {"least": 0}])
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must"):
        SegmentationLoss(**wrong)
