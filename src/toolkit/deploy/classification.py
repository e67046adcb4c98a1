"""From the scores of a classifier to named predictions; free of MXNet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ClassPrediction:
    """One class that a network sees in a picture."""

    label: str
    index: int
    prob: float  # in [0, 1]


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities (N, L) of unbounded scores (N, L); stable for scores of any size."""
    scores = np.asarray(scores, np.float64)
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def to_probabilities(scores: np.ndarray) -> np.ndarray:
    """Softmax of ``scores`` (N, L), or themselves where each row is a distribution already.

    Some graphs end in a softmax (those of MXNet's Module API do); their rows are not negative and
    sum to 1, which scores before a softmax practically never do.
    """
    if (scores >= 0).all() and np.allclose(scores.sum(axis=1), 1, atol=1e-3):
        return np.asarray(scores, np.float64)
    return softmax(scores)


def classify(
    outputs: Sequence[np.ndarray], labels: Sequence[str] | None, top: int
) -> list[list[ClassPrediction]]:
    """The ``top`` most probable classes of each picture, best first.

    Args:
        outputs: What the network gave; the first is (N, L).
        labels: Class names by index; a class without a name is called ``class 17``.
        top: How many classes; all of them where there are fewer.

    Raises:
        ValueError: the network is no classifier, or has another number of classes than labels,
            or gives scores that are not numbers.
    """
    scores = outputs[0]
    if scores.ndim != 2:
        raise ValueError(
            f"a classifier gives scores (N, classes), this network gave {scores.shape}"
        )
    if labels is not None and len(labels) != scores.shape[1]:
        raise ValueError(f"{len(labels)} labels for a network of {scores.shape[1]} classes")
    if np.isnan(scores).any():
        where = int(np.isnan(scores).any(axis=1).argmax())
        raise ValueError(f"the scores of picture {where} of the batch are not a number (NaN)")
    probs = to_probabilities(scores)
    order = np.argsort(-probs, axis=1, kind="stable")[:, :top]
    return [
        [ClassPrediction(_label(labels, int(i)), int(i), float(row[i])) for i in best]
        for row, best in zip(probs, order, strict=True)
    ]


def _label(labels: Sequence[str] | None, index: int) -> str:
    return f"class {index}" if labels is None else labels[index]
