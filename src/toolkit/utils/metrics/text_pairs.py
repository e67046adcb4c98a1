"""The measures of GLUE: accuracy, F1, Matthews' and two other correlations, over batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np


class Measure(ABC):
    """Keeps labels and outputs, and makes one number of them."""

    name: str

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets all batches."""
        self._labels: list[np.ndarray] = []
        self._outputs: list[np.ndarray] = []

    def update(self, labels: Any, outputs: Any) -> None:
        """Keeps a batch: labels ``(N,)``, scores ``(N, classes)`` or values ``(N, 1)``."""
        self._labels.append(_array(labels).reshape(-1))
        self._outputs.append(_array(outputs))

    def get(self) -> dict[str, float]:
        """The measure, in [-1, 1], under its name.

        Raises:
            ValueError: there was no batch.
        """
        if not self._labels:
            raise ValueError(f"{self.name} of nothing: there was no batch")
        labels, outputs = np.concatenate(self._labels), np.concatenate(self._outputs)
        return {self.name: float(self.score(labels, outputs))}

    @abstractmethod
    def score(self, labels: np.ndarray, outputs: np.ndarray) -> float:
        """The measure of all that was kept."""


def _array(values: Any) -> np.ndarray:
    return np.asarray(values.asnumpy() if hasattr(values, "asnumpy") else values, np.float64)


class Accuracy(Measure):
    """Share of texts whose class has the highest score."""

    name = "accuracy"

    def score(self, labels: np.ndarray, outputs: np.ndarray) -> float:
        """Compares the best class."""
        return float((outputs.argmax(axis=1) == labels).mean())


class F1(Measure):
    """Harmonic mean of precision and recall of class 1; 0 where nothing is right."""

    name = "f1"

    def score(self, labels: np.ndarray, outputs: np.ndarray) -> float:
        """Counts class 1."""
        found = outputs.argmax(axis=1) == 1
        right = float((found & (labels == 1)).sum())
        return 2 * right / (found.sum() + (labels == 1).sum()) if right else 0.0


class Matthews(Measure):
    """Correlation of two classes with their predictions; 0 where either is constant."""

    name = "matthews"

    def score(self, labels: np.ndarray, outputs: np.ndarray) -> float:
        """Pearson's formula on zeros and ones."""
        return _pearson(labels, (outputs.argmax(axis=1) == 1).astype(float))


class Pearson(Measure):
    """Linear correlation of values."""

    name = "pearson"

    def score(self, labels: np.ndarray, outputs: np.ndarray) -> float:
        """Correlates the values."""
        return _pearson(labels, outputs.reshape(-1))


class Spearman(Measure):
    """Correlation of ranks; equal values share the mean of their ranks."""

    name = "spearman"

    def score(self, labels: np.ndarray, outputs: np.ndarray) -> float:
        """Correlates the ranks."""
        return _pearson(_ranks(labels), _ranks(outputs.reshape(-1)))


def _pearson(first: np.ndarray, second: np.ndarray) -> float:
    first, second = first - first.mean(), second - second.mean()
    norm = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / norm if norm else 0.0


def _ranks(values: np.ndarray) -> np.ndarray:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return ((ends - counts + 1 + ends) / 2)[places]


MEASURES: dict[str, Callable[[], Measure]] = {
    kind.name: kind for kind in (Accuracy, F1, Matthews, Pearson, Spearman)
}
