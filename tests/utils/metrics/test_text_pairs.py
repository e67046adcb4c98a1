from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from toolkit.utils.metrics.text_pairs import MEASURES

LABELS = np.array([1, 0, 1, 1, 0, 0])
SCORES = np.array([[0, 1], [0, 1], [0, 2], [1, 0], [3, 0], [1, 0]])  # says 1 1 1 0 0 0
VALUES = np.array([1.0, 2.0, 2.0, 3.0, 5.0, 4.0])
PREDICTED = np.array([[1.1], [1.9], [2.5], [2.0], [9.0], [4.0]])


@pytest.mark.parametrize(
    ("name", "labels", "outputs", "expected"),
    [
        ("accuracy", LABELS, SCORES, 4 / 6),
        ("f1", LABELS, SCORES, 4 / 6),
        ("matthews", LABELS, SCORES, 1 / 3),  # (2 * 2 - 1 * 1) / sqrt(3 * 3 * 3 * 3)
        ("pearson", VALUES, PREDICTED, np.corrcoef(VALUES, PREDICTED[:, 0])[0, 1]),
        # Ranks 1 2.5 2.5 4 6 5 and 1 2 4 3 6 5.
        (
            "spearman",
            VALUES,
            PREDICTED,
            np.corrcoef([1, 2.5, 2.5, 4, 6, 5], [1, 2, 4, 3, 6, 5])[0, 1],
        ),
    ],
)
def test_the_measure_is_the_formula_over_all_batches(
    name: str, labels: np.ndarray, outputs: np.ndarray, expected: float
) -> None:
    measure = MEASURES[name]()
    for part in (slice(0, 2), slice(2, 6)):
        measure.update(mx.nd.array(labels[part]), mx.nd.array(outputs[part]))
    assert measure.get() == {name: pytest.approx(expected)}
    measure.reset()
    measure.update(labels, outputs)
    assert measure.get()[name] == pytest.approx(expected)


@pytest.mark.parametrize("name", list(MEASURES))
def test_nothing_has_no_measure(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} of nothing: there was no batch"):
        MEASURES[name]().get()


@pytest.mark.parametrize("name", ["f1", "matthews"])
def test_one_answer_to_everything_is_worth_nothing(name: str) -> None:
    measure = MEASURES[name]()
    measure.update(LABELS, np.tile([1, 0], (6, 1)))
    assert measure.get() == {name: 0.0}
