"""Accuracy and mean IoU of pixels, against their definitions."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.utils.metrics import PixelScores


def pictures(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels and predictions of pictures, of classes 0 to 4, with pixels that are void."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(-1, 5, (3, 20, 30))
    found = np.where(rng.random(labels.shape) < 0.6, np.maximum(labels, 0), rng.integers(0, 5))
    return labels, found


def by_sets(labels: np.ndarray, found: np.ndarray) -> tuple[float, float]:
    """The definition, with sets of pixels."""
    kept = [i for i, label in enumerate(labels.flat) if label >= 0]
    truth, said = labels.ravel(), found.ravel()
    ious = []
    for c in range(5):
        theirs = {i for i in kept if truth[i] == c}
        ours = {i for i in kept if said[i] == c}
        if theirs | ours:
            ious.append(len(theirs & ours) / len(theirs | ours))
    return sum(truth[i] == said[i] for i in kept) / len(kept), sum(ious) / len(ious)


def test_it_is_the_definition_over_all_pictures_together() -> None:
    metric = PixelScores(5)
    labels, found = pictures()
    for one, other in zip(labels, found, strict=True):
        metric.update(one, other)
    accuracy, miou = by_sets(labels, found)
    assert metric.get() == pytest.approx({"pixel_accuracy": accuracy, "miou": miou})
    metric.reset()
    metric.update(labels, found)
    assert metric.get() == pytest.approx({"pixel_accuracy": accuracy, "miou": miou})


def test_scores_are_compared_and_mxnets_arrays_are_taken() -> None:
    labels, found = pictures()
    scores = np.eye(5)[found].transpose(0, 3, 1, 2)
    metric, other = PixelScores(5), PixelScores(5)
    metric.update(labels, found)
    other.update(mx.nd.array(labels), mx.nd.array(scores))
    assert metric.get() == other.get()


def test_absent_classes_have_no_part() -> None:
    metric = PixelScores(9)
    metric.update(np.array([[0, 0, 1, 255]]), np.array([[0, 1, 1, 8]]))
    assert metric.get() == pytest.approx({"pixel_accuracy": 2 / 3, "miou": 0.5})
    np.testing.assert_array_equal(metric.class_ious(), [0.5, 0.5, *[np.nan] * 7])


def test_without_pixels_there_is_no_score() -> None:
    assert all(np.isnan(value) for value in PixelScores(2).get().values())


def test_counts_of_workers_are_added() -> None:
    whole, parts = PixelScores(5), [PixelScores(5), PixelScores(5)]
    for part, seed in zip(parts, (0, 1), strict=True):
        for metric in (part, whole):
            metric.update(*pictures(seed))
    first, second = (part.sums() for part in parts)
    parts[0].set_sums({key: first[key] + second[key] for key in first})
    assert parts[0].get() == whole.get()


@pytest.mark.parametrize(
    ("labels", "found", "message"),
    [
        (np.zeros((2, 3)), np.zeros((3, 2)), r"labels \(2, 3\) and predictions \(3, 2\)"),
        (np.zeros((1, 2)), np.array([[0, 5]]), "predictions must be classes below 5"),
    ],
)
def test_what_does_not_fit_is_refused(labels: np.ndarray, found: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PixelScores(5).update(labels, found)
    with pytest.raises(ValueError, match="classes must be at least 1"):
        PixelScores(0)
