"""An ONNX graph in the making, and the table of what MXNet's operators become in it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from toolkit.deploy.nodes import Node

Shape = tuple[int, ...]


class UnsupportedOperatorError(ValueError):
    """A target has no counterpart of an operator; the message names it and its layer."""


@dataclass
class Builder:
    """Collects nodes and constants; every method gives the names of results."""

    shapes: Mapping[str, list[Shape]]  # of each node's results, for one sample
    larger: Mapping[str, list[Shape]]  # the same for two samples
    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, op: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """One operator of one result."""
        return self.several(op, inputs, [name], **attributes)[0]

    def several(
        self, op: str, inputs: Sequence[str], names: Sequence[str], **attributes: Any
    ) -> list[str]:
        """One operator of several results."""
        import onnx

        attributes = {key: value for key, value in attributes.items() if value is not None}
        made = onnx.helper.make_node(op, list(inputs), list(names), name=names[0], **attributes)
        self.nodes.append(made)
        return list(names)

    def constant(self, value: Any, name: str, dtype: Any = np.float32) -> str:
        """A number or an array that the graph holds."""
        self.constants[name] = np.asarray(value, dtype)
        return name

    def integers(self, values: Sequence[int], name: str) -> str:
        """A list of whole numbers, as shapes, axes and the like are written."""
        return self.constant(list(values), name, np.int64)


@dataclass(frozen=True)
class Call:
    """One operator of MXNet to be translated."""

    node: Node
    inputs: list[str]  # the names of what it reads
    builder: Builder

    @property
    def name(self) -> str:
        """Of the node, and of its first result."""
        return self.node.name

    def get(self, key: str, default: Any = None) -> Any:
        """An attribute as a Python value; text that is none stays text."""
        text = self.node.attrs.get(key)
        if text is None:
            return default
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError):
            return text

    def shape_of(self, index: int = 0) -> Shape:
        """The shape of an input, for one sample."""
        source, result = self.node.inputs[index]
        return self.builder.shapes[source.name][result]

    def axis(self, default: int) -> int:
        """The attribute ``axis``."""
        return int(self.get("axis", default))

    def add(self, op: str, inputs: Sequence[str] | None = None, part: str = "", **more: Any) -> str:
        """An operator on these inputs (default: the call's own); ``part`` for one on the way."""
        name = f"{self.name}.{part}" if part else self.name
        return self.builder.add(op, self.inputs if inputs is None else inputs, name, **more)

    def constant(self, value: Any, part: str, dtype: Any = np.float32) -> str:
        """A constant that belongs to this call."""
        return self.builder.constant(value, f"{self.name}.{part}", dtype)

    def integers(self, values: Sequence[int], part: str) -> str:
        """Whole numbers that belong to this call."""
        return self.builder.integers(values, f"{self.name}.{part}")

    def target_shape(self) -> list[int]:
        """The result's shape for ONNX's Reshape; -1 for the axis that grows with the batch."""
        one, two = self.builder.shapes[self.name][0], self.builder.larger[self.name][0]
        shape = [a if a == b else -1 for a, b in zip(one, two, strict=True)]
        if shape.count(-1) > 1:
            raise self.unsupported("with a batch on more than one axis")
        return shape

    def unsupported(self, how: str = "") -> UnsupportedOperatorError:
        """The error for a use that has no counterpart."""
        return UnsupportedOperatorError(
            f"ONNX has no counterpart here of operator {self.node.op} {how} in layer {self.name}"
        )


Translation = Callable[[Call], "str | list[str]"]
TRANSLATIONS: dict[str, Translation] = {}


def translates(*operators: str) -> Callable[[Translation], Translation]:
    """Registers what these operators of MXNet become."""

    def register(function: Translation) -> Translation:
        TRANSLATIONS.update(dict.fromkeys(operators, function))
        return function

    return register
