"""An ONNX graph in the making, and the table of what MXNet's operators become in it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from toolkit.deploy.nodes import VARIABLE, Node, Nodes

Shape = tuple[int, ...]
Axis = tuple[int, ...]  # the length of one axis at each of ``SIZES``
# Of the inputs' free axes: the batch N and, for texts, their length T. Shapes are looked at for all
# of them, which tells what an axis depends on.
SIZES = ((2, 16), (3, 16), (2, 17), (3, 17))


class UnsupportedOperatorError(ValueError):
    """A target has no counterpart of an operator; the message names it and its layer."""


@dataclass
class Builder:
    """Collects nodes and constants; every method gives the names of results."""

    probes: Sequence[Mapping[str, list[Shape]]]  # each node's shapes, at each of ``SIZES``
    free: Sequence[tuple[str, int] | None] = (None, None)  # input and axis of N, and of T
    opset: int = 13
    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    lengths: dict[Axis, str] = field(default_factory=dict)  # what ``length`` has made
    outer: Builder | None = None  # where this is the body of a loop: of the graph around it

    def axes(self, name: str, index: int = 0) -> list[Axis]:
        """The axes of a node's result."""
        return list(zip(*(probe[name][index] for probe in self.probes), strict=True))

    def length(self, axis: Axis) -> str:
        """The length of an axis, an int64 of one element."""
        if self.outer is not None:  # the same in every step
            return self.outer.length(axis)
        if len(set(axis)) == 1:
            return self.integers(axis[:1], f"length.{axis[0]}")
        if axis not in self.lengths:
            self.lengths[axis] = self._computed(axis)
        return self.lengths[axis]

    def shape(self, axes: Sequence[Axis], name: str) -> str:
        """All lengths of a shape, one int64 list."""
        if all(len(set(axis)) == 1 for axis in axes):
            return self.integers([axis[0] for axis in axes], name)
        return self.add("Concat", [self.length(axis) for axis in axes], name, axis=0)

    def _computed(self, axis: Axis) -> str:
        """A length as ``rest + n N + t T + nt N T``, of which most are zero."""
        name = f"length.{len(self.lengths)}"
        sizes = np.array([[1, n, t, n * t] for n, t in SIZES], np.float64)
        rest, *shares = (round(share) for share in np.linalg.solve(sizes, axis))
        parts = [self.integers([rest], f"{name}.rest")] if rest else []
        product = self._times([self._given(0), self._given(1)], f"{name}.nt") if shares[2] else ""
        for place, share in enumerate(shares):
            if share:
                size = product if place == 2 else self._given(place)
                factor = [] if share == 1 else [self.integers([share], f"{name}.{place}.share")]
                parts.append(self._times([size, *factor], f"{name}.{place}"))
        while len(parts) > 1:
            parts[:2] = [self.add("Add", parts[:2], f"{name}.sum{len(parts)}")]
        return parts[0]

    def _times(self, factors: list[str], name: str) -> str:
        return factors[0] if len(factors) == 1 else self.add("Mul", factors, name)

    def _given(self, place: int) -> str:
        """N or T, of the input that has it."""
        axis = tuple(size[place] for size in SIZES)
        found = self.free[place]
        assert found is not None, "an axis that no input has"
        if axis not in self.lengths:
            name = f"length.{'NT'[place]}"
            whole = self.add("Shape", [found[0]], f"{name}.shape")
            where = self.integers([found[1]], f"{name}.axis")
            self.lengths[axis] = self.add("Gather", [whole, where], name, axis=0)
        return self.lengths[axis]

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

    def axes_of(self, index: int = 0) -> list[Axis]:
        """The axes of an input."""
        source, result = self.node.inputs[index]
        return self.builder.axes(source.name, result)

    def shape_of(self, index: int = 0) -> Shape:
        """The shape of an input at the first of ``SIZES``."""
        return tuple(axis[0] for axis in self.axes_of(index))

    def fixed(self, axis: Axis) -> int:
        """The length of an axis that has to be known now; raises where it is free."""
        if len(set(axis)) > 1:
            raise self.unsupported("along an axis of any length")
        return axis[0]

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

    def shape(self, axes: Sequence[Axis], part: str) -> str:
        """A shape, or some of its lengths, that belongs to this call."""
        return self.builder.shape(axes, f"{self.name}.{part}")

    def cast(self, value: str, dtype: Any, part: str = "") -> str:
        """A value as numbers of another type."""
        import onnx

        kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.add("Cast", [value], part, to=kind)

    def reduced(
        self, op: str, data: str, axes: Sequence[int] | None, part: str = "", keep: int = 1
    ) -> str:
        """Mean, greatest or least along axes: an attribute until opset 17, an input since."""
        if self.builder.opset < 18:
            return self.add(op, [data], part, axes=axes, keepdims=keep)
        more = [] if axes is None else [self.integers(axes, f"{part or 'all'}.axes")]
        return self.add(op, [data, *more], part, keepdims=keep)

    def backwards(self, axis: int) -> str:
        """The first input with an axis in the opposite order."""
        limits = {"begin": -1, "end": np.iinfo(np.int64).min, "axis": axis, "step": -1}
        rows = [self.integers([n], part) for part, n in limits.items()]
        return self.add("Slice", [self.inputs[0], *rows])

    def target_shape(self, index: int = 0) -> str:
        """The shape of a result, int64, for ONNX's Reshape of the first input.

        An axis that is the input's own at the same place is written as 0, one that varies as -1,
        and further ones are computed from the lengths of the network's inputs.
        """
        wanted, given = self.builder.axes(self.name, index), self.axes_of()
        short = [axis[0] if len(set(axis)) == 1 else None for axis in wanted]
        for place, (axis, own) in enumerate(zip(wanted, given, strict=False)):
            if short[place] is None and axis == own:
                short[place] = 0
        if None in short:
            short[short.index(None)] = -1
        if None in short:
            return self.builder.shape(wanted, f"{self.name}.shape")
        return self.integers([size for size in short if size is not None], "shape")

    def unsupported(self, how: str = "") -> UnsupportedOperatorError:
        """The error for a use that has no counterpart."""
        return UnsupportedOperatorError(
            f"ONNX has no counterpart here of operator {self.node.op} {how} in layer {self.name}"
        )


def shapes_of(symbol: Any, given: Mapping[str, Shape]) -> dict[str, list[Shape]]:
    """The shapes of each node's results, by its name; ``given`` are those of all variables."""
    inner = symbol.get_internals()
    known = {name: given[name] for name in inner.list_inputs()}
    found: dict[str, list[Shape]] = {}
    for place, shape in enumerate(inner.infer_shape(**known)[1]):
        found.setdefault(inner[place].name, []).append(shape)
    return found


Translation = Callable[[Call], "str | list[str]"]
TRANSLATIONS: dict[str, Translation] = {}


def translates(*operators: str) -> Callable[[Translation], Translation]:
    """Registers what these operators of MXNet become."""

    def register(function: Translation) -> Translation:
        TRANSLATIONS.update(dict.fromkeys(operators, function))
        return function

    return register


def translate(
    nodes: Nodes, builder: Builder, variables: Mapping[str, str]
) -> dict[Node, list[str]]:
    """Adds all nodes of a graph; gives the names of their results.

    ``variables`` are the names of what is called otherwise here than in MXNet.
    """
    results: dict[Node, list[str]] = {}
    for node in nodes:
        if node.op == VARIABLE:
            results[node] = [variables.get(node.name, node.name)]
            continue
        inputs = [results[source][index] for source, index in node.inputs]
        made = TRANSLATIONS[node.op](Call(node, inputs, builder))
        results[node] = [made] if isinstance(made, str) else made
    return results
