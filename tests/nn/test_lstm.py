from __future__ import annotations

from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

from toolkit.nn import BidirectionalLSTM

X = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
LENGTHS = np.array([5, 3], "float32")


def build(layers: int = 1) -> BidirectionalLSTM:
    lstm = BidirectionalLSTM(3, 4, layers=layers)
    lstm.initialize(mx.init.Uniform(0.7))
    return lstm


def states(lstm: BidirectionalLSTM, x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    result: np.ndarray = lstm(mx.nd.array(x), mx.nd.array(lengths)).asnumpy()
    return result


def one_direction(layer: mx.gluon.rnn.LSTM, x: np.ndarray) -> np.ndarray:
    """The states of one text, token by token: gates are input, forget, cell, output."""
    names = ("i2h_weight", "h2h_weight", "i2h_bias", "h2h_bias")
    into, onto, b, c = (getattr(layer, f"l0_{name}").data().asnumpy() for name in names)
    hidden = cell = np.zeros(4, "float32")
    found = []
    for token in x:
        i, f, g, o = np.split(into @ token + b + onto @ hidden + c, 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        cell = f * cell + i * np.tanh(g)
        hidden = o * np.tanh(cell)
        found.append(hidden)
    return np.stack(found)


def test_both_directions_read_the_text_alone() -> None:
    lstm = build()
    found = states(lstm, X, LENGTHS)
    ahead = one_direction(lstm.forwards[0], X[1, :3])
    back = one_direction(lstm.backwards[0], X[1, :3][::-1])[::-1]
    np.testing.assert_allclose(found[1, :3], np.concatenate([ahead, back], 1), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("layers", [1, 2])
def test_what_is_beyond_the_length_changes_nothing_before_it(layers: int) -> None:
    lstm = build(layers)
    found = states(lstm, X, LENGTHS)
    assert found.shape == (2, 5, lstm.units)
    other = X.copy()
    other[1, 3:] = 1e3
    np.testing.assert_array_equal(states(lstm, other, LENGTHS)[1, :3], found[1, :3])
    np.testing.assert_allclose(
        states(lstm, X[1:, :3], LENGTHS[1:])[0], found[1, :3], rtol=1e-5, atol=1e-6
    )


def test_an_exported_one_gives_the_same(tmp_path: Path) -> None:
    lstm = build(2)
    expected = states(lstm, X, LENGTHS)
    lstm.hybridize()
    np.testing.assert_allclose(states(lstm, X, LENGTHS), expected, rtol=1e-5, atol=1e-6)
    lstm.export(str(tmp_path / "lstm"))
    graph = mx.sym.load(str(tmp_path / "lstm-symbol.json"))
    inputs = [mx.sym.var(name, dtype="float32") for name in ("data0", "data1")]
    again = mx.gluon.SymbolBlock(graph, inputs)
    again.load_parameters(str(tmp_path / "lstm-0000.params"), cast_dtype=True)
    for texts in (X, X[:, :4]):  # of another length, too
        result = again(mx.nd.array(texts), mx.nd.array([4, 3])).asnumpy()
        np.testing.assert_allclose(
            result, states(lstm, texts, np.array([4, 3], "float32")), rtol=1e-5, atol=1e-6
        )
