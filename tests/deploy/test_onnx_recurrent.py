from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import rnn

from toolkit.deploy import UnsupportedOperatorError, export, export_onnx, load

S = mx.sym
Symbol = mx.sym.Symbol
LAYERS: dict[str, Callable[[], mx.gluon.HybridBlock]] = {
    "lstm": lambda: rnn.LSTM(5, 2, input_size=4),
    "both ways": lambda: rnn.LSTM(3, 2, bidirectional=True, input_size=4),
    "gru": lambda: rnn.GRU(5, bidirectional=True, input_size=4),
    "tanh": lambda: rnn.RNN(5, 2, activation="tanh", input_size=4),
    "relu": lambda: rnn.RNN(5, activation="relu", input_size=4, layout="NTC"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_gluons_layers_answer_the_same(name: str, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    mx.random.seed(0)
    net = LAYERS[name]()
    net.initialize(mx.init.Uniform(0.5))
    data = np.random.default_rng(0).normal(size=(3, 2, 4)).astype(np.float32)
    export(net, tmp_path / "net", data)
    (found,) = load(export_onnx(tmp_path / "net", tmp_path / "net"), backend="onnxruntime")(data)
    np.testing.assert_allclose(found, net(mx.nd.array(data)).asnumpy(), atol=1e-5)


def steps(x: Symbol) -> Symbol:
    """The input as 24 steps (T, N, 8)."""
    return S.transpose(S.reshape(x, (0, -1, 8)), axes=(1, 0, 2))


OPERATORS: dict[str, Callable[[Symbol], Symbol]] = {
    "backwards": lambda x: S.SequenceReverse(steps(x)),
    "backwards, each its own length": lambda x: S.SequenceReverse(
        steps(x),
        S.floor(S.abs(S.max(x, axis=(1, 2, 3))) * 8) + 1,
        use_sequence_length=True,
    ),
    "the last step": lambda x: S.SequenceLast(steps(x)),
    "the last step of each": lambda x: S.SequenceLast(
        steps(x),
        S.floor(S.abs(S.max(x, axis=(1, 2, 3))) * 8) + 1,
        use_sequence_length=True,
    ),
    "states": lambda x: S.Group(
        list(
            S.RNN(
                steps(x),
                S.var("weights"),
                S.slice_axis(S.transpose(steps(x), axes=(0, 1, 2)), axis=0, begin=0, end=4) * 0.1,
                S.slice_axis(steps(x), axis=0, begin=4, end=8) * 0.1,
                state_size=8,
                num_layers=2,
                bidirectional=True,
                mode="lstm",
                state_outputs=True,
            )
        )
    ),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_the_translation_computes_the_same(
    name: str, assert_translated: Callable[[Symbol], None]
) -> None:
    assert_translated(OPERATORS[name](mx.sym.var("data")))


def layer(x: Symbol, weights: Symbol, **options: object) -> Symbol:
    state = S.slice_axis(steps(x), axis=0, begin=0, end=1)
    return S.RNN(
        steps(x), weights, state, state, state_size=8, num_layers=1, mode="lstm", **options
    )


STRANGE: dict[str, Callable[[Symbol], Symbol]] = {
    "along another axis than the first": lambda x: S.SequenceLast(steps(x), axis=1),
    "a limit of its states": lambda x: layer(
        x, S.var("weights"), lstm_state_clip_min=-1, lstm_state_clip_max=1
    ),
    "weights that are computed in layer rnn0": lambda x: layer(
        x, S.slice_axis(S.reshape(S.tile(x, reps=(1, 8, 1, 1)), (-1,)), axis=0, begin=0, end=576)
    ),
}


@pytest.mark.parametrize("message", STRANGE)
def test_what_has_no_counterpart_is_named(
    message: str, assert_translated: Callable[[Symbol], None]
) -> None:
    with mx.name.NameManager():
        symbol = STRANGE[message](mx.sym.var("data"))
    with pytest.raises(UnsupportedOperatorError, match=message):
        assert_translated(symbol)
