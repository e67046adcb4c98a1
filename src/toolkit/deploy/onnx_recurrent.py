"""What MXNet's recurrent layers become in ONNX, opset 13."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.deploy.onnx_builder import Call, translates


@dataclass(frozen=True)
class _Kind:
    """How ONNX calls a layer, and where MXNet's gates stand in its order."""

    operator: str
    gates: tuple[int, ...]
    activation: str | None = None

    @property
    def states(self) -> int:
        """How many arrays pass from one step to the next."""
        return 2 if self.operator == "LSTM" else 1


KINDS = {
    "lstm": _Kind("LSTM", (0, 3, 1, 2)),  # input, forget, cell, output: ONNX has output second
    "gru": _Kind("GRU", (1, 0, 2)),  # reset, update, new: ONNX begins with update
    "rnn_tanh": _Kind("RNN", (0,), "Tanh"),
    "rnn_relu": _Kind("RNN", (0,), "Relu"),
}


@translates("_rnn_param_concat")
def _packed(call: Call) -> str:
    """All weights of a layer, one after the other, as one constant."""
    parts = [_known(call, name) for name in call.inputs]
    return call.constant(np.concatenate([part.reshape(-1) for part in parts]), "packed")


def _known(call: Call, name: str) -> np.ndarray:
    if name not in call.builder.constants:
        raise call.unsupported("with weights that are computed")
    return call.builder.constants[name]


@translates("RNN")
def _recurrent(call: Call) -> list[str]:
    """One ONNX operator a layer; both read ``(T, N, C)``."""
    kind, layers = KINDS[call.get("mode")], int(call.get("num_layers"))
    if call.get("projection_size") is not None or call.get("lstm_state_clip_min") is not None:
        raise call.unsupported("with a projection or a limit of its states")
    if call.get("use_sequence_length", False):
        raise call.unsupported("with lengths of its own")
    units, ways = int(call.get("state_size")), 2 if call.get("bidirectional", False) else 1
    width = call.fixed(call.axes_of()[2])
    weights = _weights(_known(call, call.inputs[1]), (layers, ways, units, width), kind)
    given = [_split(call, name, layers, f"state{i}") for i, name in enumerate(call.inputs[2:])]
    data, last = call.inputs[0], []
    for layer, arrays in enumerate(weights):
        data, *ends = _layer(
            call, kind, f"layer{layer}", [data, *arrays], [s[layer] for s in given]
        )
        last.append(ends)
    result = call.add("Identity", [data])
    states = zip(*last, strict=True)
    return [
        result,
        *(call.add("Concat", list(s), f"last{i}", axis=0) for i, s in enumerate(states)),
    ]


def _split(call: Call, value: str, layers: int, part: str) -> list[str]:
    """The states of all layers, layer by layer."""
    if layers == 1:
        return [value]
    ways = call.fixed(call.axes_of(2)[0]) // layers
    names = [f"{call.name}.{part}.{i}" for i in range(layers)]
    sizes = call.integers([ways] * layers, f"{part}.sizes")
    return call.builder.several("Split", [value, sizes], names, axis=0)


def _layer(
    call: Call, kind: _Kind, part: str, arrays: Sequence[str | np.ndarray], states: list[str]
) -> list[str]:
    """What a layer gives, ``(T, N, D * units)``, and its last states ``(D, N, units)``."""
    data, *weights = arrays
    names = ["input", "hidden", "bias"]
    inputs = [str(data)]
    inputs += [call.constant(w, f"{part}.{n}") for w, n in zip(weights, names, strict=True)]
    ways, units = np.shape(weights[1])[0], np.shape(weights[1])[2]
    outputs = [f"{call.name}.{part}.{name}" for name in ("all", "h", "c")[: 1 + kind.states]]
    made = call.builder.several(
        kind.operator,
        [*inputs, "", *states],
        outputs,
        hidden_size=units,
        direction="bidirectional" if ways == 2 else "forward",
        linear_before_reset=1 if kind.operator == "GRU" else None,
        activations=[kind.activation] * ways if kind.activation else None,
    )
    rows = call.add("Transpose", made[:1], f"{part}.rows", perm=[0, 2, 1, 3])
    flat = call.integers([0, 0, ways * units], f"{part}.flat")
    return [call.add("Reshape", [rows, flat], f"{part}.result"), *made[1:]]


def _weights(
    packed: np.ndarray, sizes: tuple[int, int, int, int], kind: _Kind
) -> Iterator[list[np.ndarray]]:
    """Weights of inputs and states, and biases, of each layer; gates are in ONNX's order."""
    layers, ways, units, width = sizes
    rows, order = len(kind.gates) * units, list(kind.gates)
    place = 0

    def take(count: int) -> np.ndarray:
        nonlocal place
        place += rows * count
        gates = packed[place - rows * count : place].reshape(len(order), units, count)
        return gates[order].reshape(rows, count)

    widths = [width if layer == 0 else ways * units for layer in range(layers)]
    matrices = [[[take(w), take(units)] for _ in range(ways)] for w in widths]
    biases = [[[take(1), take(1)] for _ in range(ways)] for _ in widths]
    for pairs, offsets in zip(matrices, biases, strict=True):
        bias = np.stack([np.concatenate(pair).reshape(-1) for pair in offsets])
        yield [*(np.stack(side) for side in zip(*pairs, strict=True)), bias]


@translates("SequenceReverse")
def _sequence_reverse(call: Call) -> str:
    if not call.get("use_sequence_length", False):
        return call.backwards(0)
    lengths = call.cast(call.inputs[1], np.int64, "lengths")
    return call.add("ReverseSequence", [call.inputs[0], lengths], batch_axis=1, time_axis=0)


@translates("SequenceLast")
def _sequence_last(call: Call) -> str:
    """The last step of each text ``(T, N, ...)``, or the one at its own length."""
    if int(call.get("axis", 0)) != 0:
        raise call.unsupported("along another axis than the first")
    if not call.get("use_sequence_length", False):
        return call.add("Gather", [call.inputs[0], call.constant(-1, "last", np.int64)], axis=0)
    lengths = call.cast(call.inputs[1], np.int64, "lengths")
    place = call.add("Sub", [lengths, call.constant(1, "one", np.int64)], "place")
    place = call.add("Unsqueeze", [place, call.integers([1], "axis")], "places")
    order = [1, 0, *range(2, len(call.axes_of()))]
    texts = call.add("Transpose", [call.inputs[0]], "texts", perm=order)
    return call.add("GatherND", [texts, place], batch_dims=1)
