from __future__ import annotations

import numpy as np
import pytest

from toolkit.deploy.classification import ClassPrediction, classify, softmax, to_probabilities


def test_softmax_is_stable_and_sums_to_one() -> None:
    probs = softmax(np.array([[1e4, 1e4 - 1, -1e4], [-3e38, 3e38, 0]], np.float32))
    assert np.isfinite(probs).all()
    assert np.allclose(probs.sum(axis=1), 1)
    assert np.allclose(probs[0, :2], [1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))])


def test_distributions_pass_unchanged() -> None:
    given = np.array([[0.2, 0.8], [1.0, 0.0]], np.float32)
    assert np.array_equal(to_probabilities(given), given)


def test_scores_that_are_no_distribution_get_a_softmax() -> None:
    assert np.allclose(to_probabilities(np.array([[0.0, 0.0, 0.0, 0.0]])), 0.25)


def test_the_best_classes_come_first() -> None:
    scores = np.array([[0.0, 2.0, 1.0], [3.0, 0.0, 1.0]])
    found = classify([scores], ("a", "b", "c"), 2)
    assert [[p.label for p in one] for one in found] == [["b", "c"], ["a", "c"]]
    assert [[p.index for p in one] for one in found] == [[1, 2], [0, 2]]
    assert found[0][0].prob == pytest.approx(np.exp(2) / (1 + np.exp(1) + np.exp(2)))


def test_all_classes_where_there_are_fewer_than_top() -> None:
    assert len(classify([np.zeros((1, 3))], None, 5)[0]) == 3


def test_equal_scores_come_in_order_of_index() -> None:
    assert [p.index for p in classify([np.zeros((1, 4))], None, 4)[0]] == [0, 1, 2, 3]


def test_a_class_without_a_name_is_called_by_its_number() -> None:
    scores = np.zeros((1, 20))
    scores[0, 17] = 9
    assert classify([scores], None, 1)[0] == [
        ClassPrediction("class 17", 17, pytest.approx(softmax(scores)[0, 17]))
    ]


def test_labels_of_another_number_are_refused() -> None:
    with pytest.raises(ValueError, match="2 labels for a network of 3 classes"):
        classify([np.zeros((1, 3))], ("a", "b"), 1)


def test_outputs_of_no_classifier_are_refused() -> None:
    with pytest.raises(ValueError, match=r"this network gave \(1, 8, 7, 7\)"):
        classify([np.zeros((1, 8, 7, 7))], None, 1)


def test_scores_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        classify([np.array([[1.0, 2.0], [np.nan, 0.0]])], None, 1)
