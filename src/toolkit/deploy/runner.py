"""What runs an exported network: arrays in, arrays out, whatever is behind it; free of MXNet."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from toolkit.deploy.manifest import Manifest, TensorSpec

LENGTH = 128  # tokens of a text that is made up, where a network takes any


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
        specs, given = self.manifest.inputs, self.checked(*arrays)
        try:
            return self._run(given)
        except self.errors as error:
            shapes = ", ".join(f"{s.name} {a.shape}" for a, s in zip(given, specs, strict=True))
            wanted = "; ".join(map(str, specs))
            raise ValueError(
                f"{self.manifest.name} failed on {shapes}; it was exported for {wanted}: {error}"
            ) from error

    def checked(self, *arrays: Any) -> list[np.ndarray]:
        """The arrays as the network takes them; ValueError as from a call, before it is made."""
        specs = self.manifest.inputs
        if len(arrays) != len(specs):
            names = "; ".join(map(str, specs))
            raise ValueError(
                f"{self.manifest.name} has {_count(len(specs), 'input')} ({names}), "
                f"got {_count(len(arrays), 'array')}"
            )
        return [_as_array(a, spec) for a, spec in zip(arrays, specs, strict=True)]

    def warmup(self, batch: int = 1, calls: int = 2) -> None:
        """Runs the network on ones, so that planning is over before the first request.

        Args:
            batch: Samples a call. Further axes that are free, of texts, have ``LENGTH`` tokens.
            calls: How often; backends plan in the first calls.

        Raises:
            ValueError: the shape of an input is not known.
        """
        arrays = self.sample(batch)
        for _ in range(calls):
            self(*arrays)

    def sample(self, batch: int = 1) -> list[np.ndarray]:
        """An array of ones for each input; a first axis that is free has the length ``batch``."""
        return [_ones(spec, batch) for spec in self.manifest.inputs]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.manifest.name}: {self.backend}>"

    @abstractmethod
    def _run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """Runs the network on arrays of the declared types."""


def precision_of(manifest: Manifest | None) -> str:
    """Of a graph as it was written; a file of others, with no manifest, is taken for float."""
    return "fp32" if manifest is None else manifest.precision


def _ones(spec: TensorSpec, batch: int) -> np.ndarray:
    if spec.shape is None:
        raise ValueError(f"the shape of input {spec} is not known: call the runner on real data")
    free = [LENGTH if place else batch for place in range(len(spec.shape))]
    sizes = [a if n is None else n for n, a in zip(spec.shape, free, strict=True)]
    return np.ones(sizes, spec.dtype)


def _as_array(value: Any, spec: TensorSpec) -> np.ndarray:
    value = value.asnumpy() if hasattr(value, "asnumpy") else np.asarray(value)
    if value.dtype.kind not in "biuf":
        raise ValueError(f"input {spec.name} takes {spec.dtype} numbers, got {value.dtype}")
    if spec.shape is not None and value.ndim != len(spec.shape):
        raise ValueError(f"input {spec} has {len(spec.shape)} axes, got the shape {value.shape}")
    return np.ascontiguousarray(value, spec.dtype)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
