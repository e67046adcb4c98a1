"""What runs an exported network: arrays in, arrays out, whatever is behind it; free of MXNet."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from toolkit.deploy.manifest import Manifest, TensorSpec


class Runner(ABC):
    """A network that takes NumPy arrays and gives NumPy arrays.

    ``runner.manifest`` says which; ``runner.backend`` is the name of what runs it.
    """

    backend: str
    errors: tuple[type[Exception], ...] = ()  # what the backend raises for arrays that do not fit

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    def __call__(self, *arrays: Any) -> list[np.ndarray]:
        """Runs the network on one array an input, in the order of ``manifest.inputs``.

        Raises:
            ValueError: the number of arrays or the shape of one does not fit.
        """
        specs = self.manifest.inputs
        if len(arrays) != len(specs):
            names = "; ".join(map(str, specs))
            raise ValueError(
                f"{self.manifest.name} has {_count(len(specs), 'input')} ({names}), "
                f"got {_count(len(arrays), 'array')}"
            )
        given = [_as_array(a, spec) for a, spec in zip(arrays, specs, strict=True)]
        try:
            return self._run(given)
        except self.errors as error:
            shapes = ", ".join(f"{s.name} {a.shape}" for a, s in zip(given, specs, strict=True))
            wanted = "; ".join(map(str, specs))
            raise ValueError(
                f"{self.manifest.name} failed on {shapes}; it was exported for {wanted}: {error}"
            ) from error

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.manifest.name}: {self.backend}>"

    @abstractmethod
    def _run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """Runs the network on arrays of the declared types."""


def _as_array(value: Any, spec: TensorSpec) -> np.ndarray:
    value = value.asnumpy() if hasattr(value, "asnumpy") else np.asarray(value)
    if value.dtype.kind not in "biuf":
        raise ValueError(f"input {spec.name} takes {spec.dtype} numbers, got {value.dtype}")
    if spec.shape is not None and value.ndim != len(spec.shape):
        raise ValueError(f"input {spec} has {len(spec.shape)} axes, got the shape {value.shape}")
    return np.ascontiguousarray(value, spec.dtype)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
