"""Data sets whose images all fit into memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from toolkit.data.dataset import Dataset


@dataclass(frozen=True, eq=False, repr=False)
class ArrayImages(Dataset):
    """The base of data sets of small images; it is not used by itself."""

    classes: ClassVar[tuple[str, ...]] = ()
    images: np.ndarray  # (N, H, W, C) uint8
    labels: np.ndarray  # (N,) int32, indices into classes

    def __post_init__(self) -> None:
        name = type(self).__name__
        if len(self.images) != len(self.labels):
            raise ValueError(f"{name}: {len(self.images)} images, but {len(self.labels)} labels")
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            raise ValueError(
                f"{name}: labels from {self.labels.min()} to {self.labels.max()} found, "
                f"but there are {len(self.classes)} classes"
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} images)"

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        index = self.position(index)
        return self.images[index], int(self.labels[index])

    def load_arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """All images, (N, H, W, C) uint8, and their labels, (N,) int32."""
        return self.images, self.labels
