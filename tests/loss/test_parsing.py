"""The loss of trees against its formula in NumPy, and its gradients by finite differences."""

from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import numpy as np
import pytest

from toolkit.loss import ParsingLoss

RNG = np.random.default_rng(0)
ARCS, RELATIONS = RNG.normal(size=(2, 4, 4)), RNG.normal(size=(2, 4, 3, 4))
HEADS = np.array([[-1, 2, 0, 2], [-1, 0, 1, -1]])
LABELS = np.array([[0, 1, 2, 0], [0, 2, 1, 0]])


def log_softmax(scores: np.ndarray) -> np.ndarray:
    return scores - np.log(np.exp(scores).sum())


def reference(
    arcs: np.ndarray, relations: np.ndarray, heads: np.ndarray, labels: np.ndarray
) -> float:
    total, count = 0.0, 0
    for row, word in zip(*np.nonzero(heads >= 0), strict=True):
        head = int(heads[row, word])
        total -= log_softmax(arcs[row, word])[head]
        total -= log_softmax(relations[row, word, :, head])[int(labels[row, word])]
        count += 1
    return total / max(count, 1)


def value(*arrays: np.ndarray, hybridize: bool = False) -> float:
    loss = ParsingLoss()
    loss.hybridize(hybridize)
    return float(loss(*map(mx.nd.array, arrays)).asscalar())


@pytest.mark.parametrize("hybridize", [False, True])
def test_equals_the_formula(hybridize: bool) -> None:
    arrays = ARCS, RELATIONS, HEADS, LABELS
    assert value(*arrays, hybridize=hybridize) == pytest.approx(reference(*arrays), rel=1e-5)


def test_where_there_is_no_word_nothing_counts() -> None:
    arcs, relations, labels = ARCS.copy(), RELATIONS.copy(), LABELS.copy()
    arcs[1, 3], relations[1, 3], labels[1, 3] = 1e4, -1e4, 99
    arcs[:, 0], relations[:, 0] = 1e4, 1e4
    assert value(arcs, relations, HEADS, labels) == value(ARCS, RELATIONS, HEADS, LABELS)
    assert value(ARCS, RELATIONS, np.full_like(HEADS, -1), LABELS) == 0


def test_forbidden_heads_cost_nothing() -> None:
    arcs = ARCS.copy()
    arcs[1, :, 3] = -1e18
    narrow = value(arcs[1:, :3, :3], RELATIONS[1:, :3, :, :3], HEADS[1:, :3], LABELS[1:, :3])
    assert value(arcs[1:], RELATIONS[1:], HEADS[1:], LABELS[1:]) == pytest.approx(narrow, rel=1e-6)


@pytest.mark.parametrize("place", [0, 1])
def test_gradients_equal_finite_differences(place: int, check_gradient: Callable) -> None:
    check_gradient(ParsingLoss(), reference, (ARCS, RELATIONS, HEADS, LABELS), place)


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_any_type_of_numbers_will_do(dtype: str) -> None:
    trees = (mx.nd.array(array, dtype=dtype) for array in (HEADS, LABELS))
    found = ParsingLoss()(mx.nd.array(ARCS), mx.nd.array(RELATIONS), *trees).asscalar()
    assert found == pytest.approx(reference(ARCS, RELATIONS, HEADS, LABELS), rel=1e-5)
