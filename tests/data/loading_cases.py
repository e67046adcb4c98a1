"""Data sets and functions that worker processes import by name."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Numbers:
    """Samples ``(array, index)``; some of them misbehave."""

    size: int = 10
    broken: tuple[int, ...] = ()  # raise
    deadly: int = -1  # kills its process
    endless: int = -1  # never returns
    leaving: int = -1  # ends its process
    shape: tuple[int, ...] = (4, 5)

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        if index in self.broken:
            raise KeyError(f"nothing at {index}")
        if index == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        if index == self.leaving:
            os._exit(3)
        while index == self.endless:
            signal.pause()
        return np.full(self.shape, index, np.float32), index


class Unimportable(Numbers):
    """Can be pickled, but not unpickled elsewhere."""

    def __reduce__(self) -> tuple[Any, ...]:
        return complain, ()


def complain() -> None:
    if os.environ.get("OMP_NUM_THREADS") == "1" and "pytest" not in sys.modules:
        raise ImportError("no such thing here")


def add_noise(sample: tuple[np.ndarray, int], rng: np.random.Generator) -> tuple[np.ndarray, int]:
    return sample[0] + rng.random(sample[0].shape, np.float32), sample[1]


def roll(batch: tuple[np.ndarray, np.ndarray], rng: np.random.Generator) -> Any:
    """Mixes the samples of a batch."""
    return batch[0] + np.roll(batch[0], rng.integers(len(batch[0])), 0), batch[1]


def process_state(sample: Any) -> np.ndarray:
    """The process, whether MXNet is loaded, and how many threads OpenCV takes."""
    import cv2

    return np.array([os.getpid(), "mxnet" in sys.modules, cv2.getNumThreads()])


def strings_and_more(samples: list[Any]) -> dict[str, Any]:
    """A batch that is more than arrays."""
    arrays = np.stack([sample[0] for sample in samples])
    return {"names": [f"n{s[1]}" for s in samples], "pair": (arrays, [arrays[0].T, None]), "n": 1}


def fail(samples: list[Any]) -> None:
    raise ValueError("these do not fit")
