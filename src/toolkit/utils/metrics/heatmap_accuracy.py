"""How many joints a network puts where they are, on the grid of its heat maps."""

from __future__ import annotations

from typing import Any

import numpy as np

NAME = "pck"
SHARE = 0.1  # of a map's sides that distances are measured in


class HeatmapAccuracy:
    """Share of the joints whose highest cell is near that of the target (PCK).

    Distances along x and y are measured in tenths of the map's width and height; near is less than
    ``threshold`` of that. Every labelled joint weighs the same. It is a metric for ``evaluate``,
    over several workers as well.

    Args:
        threshold: Of the distance.

    Raises:
        ValueError: it is not above 0.
    """

    name = NAME

    def __init__(self, threshold: float = 0.5) -> None:
        if not threshold > 0:
            raise ValueError(f"threshold must be above 0, got {threshold!r}")
        self.threshold = threshold
        self.reset()

    def reset(self) -> None:
        """Forgets all batches."""
        self.right = self.count = 0

    def update(self, labels: Any, outputs: Any) -> None:
        """Counts a batch.

        Args:
            labels: Target maps ``(N, J, H, W)`` and weights ``(N, J)``, above 0 where a joint
                counts; more is passed over.
            outputs: Maps ``(N, J, H, W)``.

        Raises:
            ValueError: shapes do not fit.
        """
        targets, weights = (_array(part) for part in labels[:2])
        maps = _array(outputs)
        if maps.shape != targets.shape or weights.shape != maps.shape[:2]:
            raise ValueError(
                f"maps {maps.shape}, targets {targets.shape} and weights {weights.shape} do not fit"
            )
        unit = SHARE * np.array(maps.shape[2:])
        away = np.linalg.norm((_highest(maps) - _highest(targets)) / unit, axis=-1)
        counted = weights > 0
        self.right += int((away[counted] < self.threshold).sum())
        self.count += int(counted.sum())

    def get(self) -> dict[str, float]:
        """``pck`` in [0, 1]; NaN where no joint was labelled."""
        return {NAME: self.right / self.count if self.count else float("nan")}

    def sums(self) -> dict[str, float]:
        """What was counted, to be added up over workers."""
        return {"right": float(self.right), "count": float(self.count)}

    def set_sums(self, sums: dict[str, float]) -> None:
        """Sets what was counted."""
        self.right, self.count = round(sums["right"]), round(sums["count"])


def _highest(maps: np.ndarray) -> np.ndarray:
    """Row and column of the highest cell of each map: ``(N, J, 2)``."""
    cells = maps.reshape(*maps.shape[:2], -1).argmax(-1)
    return np.stack(np.unravel_index(cells, maps.shape[2:]), -1)


def _array(value: Any) -> np.ndarray:
    return value.asnumpy() if hasattr(value, "asnumpy") else np.asarray(value)
