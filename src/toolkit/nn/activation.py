"""Activations by the name that published configurations give them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import GELU, Activation

from toolkit.utils.registry import unknown


class TanhGELU(HybridBlock):
    """The approximation of GELU by a hyperbolic tangent, of BERT's first code and of GPT-2.

    Hendrycks and Gimpel, 2016, https://arxiv.org/abs/1606.08415.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tanh = Activation("tanh")  # the operator ``F.tanh`` is many times slower

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps any shape to the same."""
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)
        return 0.5 * x * (1 + self.tanh(inner))


class ReLU6(HybridBlock):
    """``min(max(x, 0), 6)``."""

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps any shape to itself."""
        return F.clip(x, 0, 6)


class HardSigmoid(HybridBlock):
    """``min(max(x + 3, 0), 6) / 6``."""

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps any shape to itself."""
        return F.clip(x + 3, 0, 6) / 6


class HardSwish(HybridBlock):
    """``x`` times its hard sigmoid."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = HardSigmoid()

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps any shape to itself."""
        return x * self.gate(x)


class Swish(HybridBlock):
    """``x`` times its sigmoid, also called SiLU: Elfwing et al., 2017, https://arxiv.org/abs/1702.03118."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Activation("sigmoid")  # the operator ``F.sigmoid`` is many times slower

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps any shape to itself."""
        return x * self.gate(x)


_MAKERS: dict[str, Callable[[], HybridBlock]] = {
    "gelu": GELU,
    "gelu_tanh": TanhGELU,
    "relu": lambda: Activation("relu"),
    "swish": Swish,
    "tanh": lambda: Activation("tanh"),
}


def activation(name: str) -> HybridBlock:
    """A block of the activation ``gelu``, ``gelu_tanh``, ``relu``, ``swish`` or ``tanh``.

    Raises:
        ValueError: the name is none of these.
    """
    if name not in _MAKERS:
        raise ValueError(unknown("activation", name, _MAKERS))
    return _MAKERS[name]()
