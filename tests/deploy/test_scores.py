from __future__ import annotations

import numpy as np

from toolkit.deploy import Manifest, Runner, TensorSpec
from toolkit.deploy.scores import accuracy, metric_score
from toolkit.utils.metrics import VOCMeanAP
from toolkit.utils.metrics.text_pairs import F1


class Fixed(Runner):
    """Gives the same whatever it is given, and remembers that."""

    backend = "none"

    def __init__(self, inputs: int, *outputs: np.ndarray) -> None:
        specs = tuple(TensorSpec(f"data{i}", (None, 2)) for i in range(inputs))
        super().__init__(Manifest("net", specs, ()))
        self.outputs, self.seen = outputs, 0

    def _run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        self.seen += 1
        return list(self.outputs)


X = np.zeros((2, 2), np.float32)


def test_accuracy_is_the_share_of_right_classes() -> None:
    runner = Fixed(1, np.array([[0.1, 0.9], [0.2, 0.8]]))
    assert accuracy([(X, [1, 0]), (X, [1, 1])])(runner) == 0.75


def test_a_metric_is_asked_anew_each_time() -> None:
    runner = Fixed(2, np.array([[0.1, 0.9], [0.8, 0.2]]))
    score = metric_score(F1(), [((X, X), [1, 1])])
    assert score(runner) == score(runner) == 2 / 3
    assert runner.seen == 2


def test_detections_are_scored_by_their_mean_precision() -> None:
    boxes = np.array([[[0.0, 0, 9, 9], [20, 20, 29, 29]]])
    ids, scores = np.array([[[0.0], [1.0]]]), np.array([[[0.9], [0.8]]])
    labels = (np.array([[[0.0, 0, 9, 9], [40, 40, 49, 49]]]), np.array([[0.0, 1.0]]))
    score = metric_score(VOCMeanAP(["cat", "dog"], "area"), [(X[:1], labels)])
    assert score(Fixed(1, ids, scores, boxes)) == 0.5
