"""NumPy's arrays and types inside a PyTorch pickle, rebuilt from their plain parts."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from toolkit.utils.checkpoints.source import MAX_DIMENSIONS, brief
from toolkit.utils.checkpoints.unpickler import Inert

NUMBER = re.compile(r"[biufc]\d{1,2}")


class NumpyType(Inert):
    """A ``numpy.dtype`` of numbers."""

    __slots__ = ("code", "order")

    def __init__(self, code: Any, *_: Any) -> None:
        if not isinstance(code, str):
            raise ValueError(f"the type is {brief(code)}")
        self.code = code
        self.order = "|"

    def set_state(self, state: Any) -> None:
        """Takes the byte order, all that a type of numbers has for its state."""
        if isinstance(state, tuple) and len(state) > 1 and state[1] in ("<", ">"):
            self.order = state[1]

    def dtype(self) -> np.dtype:
        """The type itself; raises ValueError where it is not one of numbers."""
        if not NUMBER.fullmatch(self.code):
            raise ValueError(f"holds NumPy data of type {brief(self.code)}, which is not read")
        return np.dtype(f"{self.order}{self.code}")


class NumpyArray(Inert):
    """A ``numpy.ndarray``; its numbers come as its state."""

    __slots__ = ("array",)

    def __init__(self, *_: Any) -> None:
        self.array: np.ndarray | None = None

    def set_state(self, state: Any) -> None:
        """Takes version, shape, type, Fortran order and the numbers."""
        _, shape, kind, columns_first, raw = state
        if not isinstance(kind, NumpyType):
            raise ValueError(f"holds a NumPy array of type {brief(kind)}")
        dtype = kind.dtype()
        if isinstance(raw, str):  # of Python 2
            raw = raw.encode("latin-1")
        if not isinstance(raw, bytes):
            raise ValueError(f"holds a NumPy array of {brief(raw)}")
        sizes = isinstance(shape, tuple) and len(shape) <= MAX_DIMENSIONS
        if not sizes or math.prod(shape) * dtype.itemsize != len(raw):
            raise ValueError(f"holds a NumPy array of shape {brief(shape)} in {len(raw)} bytes")
        values = np.frombuffer(raw, dtype).reshape(shape, order="F" if columns_first else "C")
        self.array = values.astype(dtype.newbyteorder("="), order="C")


def array_of_buffer(raw: Any, kind: Any, shape: Any, order: Any, *_: Any) -> NumpyArray:
    """An array as protocol 5 holds it."""
    array = NumpyArray()
    array.set_state((1, shape, kind, order == "F", raw))
    return array
