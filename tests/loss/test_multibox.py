"""SSD's loss against its definition in NumPy, and its gradient by finite differences."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd

from toolkit.loss import MultiBoxLoss

Batch = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def reference(
    scores: np.ndarray,
    codes: np.ndarray,
    classes: np.ndarray,
    targets: np.ndarray,
    *,
    ratio: float = 3.0,
    least: int = 0,
    box_weight: float = 1.0,
) -> float:
    total, objects = 0.0, 0
    for image in range(len(scores)):
        shifted = scores[image] - scores[image].max(1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
        found = np.flatnonzero(classes[image] > 0)
        total -= sum(logs[anchor, int(classes[image, anchor])] for anchor in found)
        background = sorted(-logs[anchor, 0] for anchor in np.flatnonzero(classes[image] == 0))
        count = max(int(ratio * len(found)), least)
        total += sum(background[::-1][:count])
        error = np.abs(codes[image, found] - targets[image, found])
        total += box_weight * np.where(error < 1, error**2 / 2, error - 0.5).sum()
        objects += len(found)
    return total / max(objects, 1)


@pytest.fixture
def batch() -> Batch:
    rng = np.random.default_rng(0)
    classes = np.zeros((3, 20))
    classes[0, [3, 9]], classes[0, [1, 7]] = (1, 2), -1
    classes[1, :8] = 2  # more than a third: all of the background is taken
    scores, codes, targets = (rng.normal(size=(3, 20, size)) * 2 for size in (3, 4, 4))
    return scores, codes, classes, targets


def run(loss: MultiBoxLoss, batch: Batch) -> float:
    return float(loss(*map(mx.nd.array, batch)).asscalar())


OPTIONS = [{}, {"ratio": 0.7}, {"ratio": 0.0}, {"least": 5}, {"least": 100}, {"box_weight": 0.3}]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("hybridize", [False, True])
def test_equals_the_definition(batch: Batch, options: dict[str, float], hybridize: bool) -> None:
    loss = MultiBoxLoss(**options)
    if hybridize:
        loss.hybridize()
    assert run(loss, batch) == pytest.approx(reference(*batch, **options), rel=1e-5)


@pytest.mark.parametrize("options", [{}, {"least": 5, "box_weight": 0.3}])
def test_gradient_equals_finite_differences(batch: Batch, options: dict[str, float]) -> None:
    arrays = [mx.nd.array(array) for array in batch]
    for array in arrays[:2]:
        array.attach_grad()
    with autograd.record():
        value = MultiBoxLoss(**options)(*arrays)
    value.backward()
    step = 1e-5
    for place in range(2):
        numeric = np.zeros_like(batch[place])
        for index in np.ndindex(*numeric.shape):
            ends = []
            for sign in (1, -1):
                moved = [array.copy() for array in batch]
                moved[place][index] += sign * step
                ends.append(reference(*moved, **options))
            numeric[index] = (ends[0] - ends[1]) / (2 * step)
        assert np.abs(numeric).max() > 0.01
        np.testing.assert_allclose(arrays[place].grad.asnumpy(), numeric, atol=1e-5)


def test_no_objects_at_all(batch: Batch) -> None:
    scores, codes, classes, targets = batch
    empty = scores, codes, np.minimum(classes, 0), targets
    assert run(MultiBoxLoss(), empty) == 0
    value = run(MultiBoxLoss(least=4), empty)
    assert value > 0
    assert value == pytest.approx(reference(*empty, least=4), rel=1e-5)


def test_targets_of_background_may_be_anything(batch: Batch) -> None:
    scores, codes, classes, targets = batch
    holes = np.where(classes[..., None] > 0, targets, np.nan)
    arrays = [mx.nd.array(array) for array in (scores, codes, classes, holes)]
    arrays[1].attach_grad()
    with autograd.record():
        value = MultiBoxLoss()(*arrays)
    value.backward()
    assert value.asscalar() == pytest.approx(reference(*batch), rel=1e-5)
    assert np.isfinite(arrays[1].grad.asnumpy()).all()


def test_equal_losses_are_not_all_taken(batch: Batch) -> None:
    _, codes, classes, targets = batch
    flat = np.zeros((3, 20, 3)), codes, classes, targets
    assert run(MultiBoxLoss(), flat) == pytest.approx(reference(*flat), rel=1e-5)


def test_classes_may_be_whole_numbers(batch: Batch) -> None:
    arrays = [mx.nd.array(array) for array in batch]
    arrays[2] = arrays[2].astype("int32")
    assert MultiBoxLoss()(*arrays).asscalar() == pytest.approx(reference(*batch), rel=1e-5)


@pytest.mark.parametrize("name", ["ratio", "least", "box_weight"])
def test_negative_arguments_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least 0, got -1"):
        MultiBoxLoss(**{name: -1})
