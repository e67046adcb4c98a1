"""How well the pixels of pictures are told apart: accuracy and mean IoU."""

from __future__ import annotations

from typing import Any

import numpy as np


class PixelScores:
    """Share of the pixels that are right, and the mean over classes of intersection over union.

    Counted over all pictures together, as Everingham et al. do, 2010,
    doi:10.1007/s11263-009-0275-4. Classes that are neither there nor predicted have no part in the
    mean. It is a metric for ``evaluate``, over several workers as well.

    Args:
        classes: Number of classes. Pixels labelled below 0, or not below this, count nothing.

    Raises:
        ValueError: there are no classes.
    """

    def __init__(self, classes: int) -> None:
        if classes < 1:
            raise ValueError(f"classes must be at least 1, got {classes!r}")
        self.classes = classes
        self.reset()

    def reset(self) -> None:
        """Forgets all pictures."""
        self.counts = np.zeros((self.classes, self.classes), np.int64)  # by label and prediction

    def update(self, labels: Any, outputs: Any) -> None:
        """Counts pictures.

        Args:
            labels: Class indices ``(N, H, W)``, or of one picture ``(H, W)``.
            outputs: Predicted indices of the same shape, or scores, which have an axis of classes
                before the last two.

        Raises:
            ValueError: the shapes do not fit, or a predicted class is not one.
        """
        labels, found = _array(labels), _array(outputs)
        if found.ndim == labels.ndim + 1:
            found = found.argmax(axis=-3)
        if found.shape != labels.shape:
            raise ValueError(f"labels {labels.shape} and predictions {found.shape} do not fit")
        counted = (labels >= 0) & (labels < self.classes)
        pairs = labels[counted].astype(np.int64), found[counted].astype(np.int64)
        if len(pairs[1]) and not 0 <= pairs[1].min() <= pairs[1].max() < self.classes:
            raise ValueError(f"predictions must be classes below {self.classes}")
        places = np.ravel_multi_index(pairs, self.counts.shape)
        counts = np.bincount(places, minlength=self.counts.size)
        self.counts += counts.reshape(self.counts.shape)

    def class_ious(self) -> np.ndarray:
        """IoU of each class ``(classes,)``; NaN of one that is neither there nor predicted."""
        right = np.diag(self.counts)
        union = self.counts.sum(0) + self.counts.sum(1) - right
        return np.divide(right, union, out=np.full(self.classes, np.nan), where=union > 0)

    def get(self) -> dict[str, float]:
        """``pixel_accuracy`` and ``miou``; NaN where no pixel was counted."""
        total = self.counts.sum()
        if not total:
            return {"pixel_accuracy": np.nan, "miou": np.nan}
        accuracy = float(np.trace(self.counts) / total)
        return {"pixel_accuracy": accuracy, "miou": float(np.nanmean(self.class_ious()))}

    def sums(self) -> dict[str, float]:
        """What was counted, to be added up over workers."""
        return {str(place): float(count) for place, count in enumerate(self.counts.flat)}

    def set_sums(self, sums: dict[str, float]) -> None:
        """Sets what was counted."""
        counts = [round(sums[str(place)]) for place in range(self.counts.size)]
        self.counts = np.array(counts, np.int64).reshape(self.counts.shape)


def _array(value: Any) -> np.ndarray:
    return value.asnumpy() if hasattr(value, "asnumpy") else np.asarray(value)
