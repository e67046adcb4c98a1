from __future__ import annotations

from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.nn import (
    BidirectionalLSTM,
    HaltingLSTM,
    LSTMLayer,
    ProjectedLSTM,
    SharedDropoutLSTM,
)

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


STEPS = X.transpose(1, 0, 2)  # (T, N, units)
LAYERS = {
    "plain": lambda: LSTMLayer(3, 4),
    "projected": lambda: ProjectedLSTM(3, 4, 2),
    "bounded": lambda: ProjectedLSTM(3, 4, 2, bound=0.1),
}


def read(layer: HybridBlock, x: np.ndarray, *state: mx.nd.NDArray) -> list[mx.nd.NDArray]:
    """What comes out, and the state; read from the beginning without one."""
    tokens = mx.nd.array(x)
    result: list[mx.nd.NDArray] = layer(tokens, *(state or layer.begin(mx.nd, tokens)))
    return result


def projected(layer: HybridBlock, x: np.ndarray, bound: float = np.inf) -> np.ndarray:
    """What comes out for one text, token by token."""
    names = ("i2h_weight", "h2h_weight", "i2h_bias", "h2h_bias", "h2r_weight")
    into, onto, b, c, down = (layer.params.get(name).data().asnumpy() for name in names)
    out, cell = np.zeros(2), np.zeros(4)
    found = []
    for token in x:
        i, f, g, o = np.split(into @ token + b + onto @ out + c, 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        cell = np.clip(f * cell + i * np.tanh(g), -bound, bound)
        out = np.clip(down @ (o * np.tanh(cell)), -bound, bound)
        found.append(out)
    return np.stack(found)


@pytest.mark.parametrize("bound", [None, 0.1])
def test_states_are_projected_and_bounded(bound: float | None) -> None:
    layer = ProjectedLSTM(3, 4, 2, bound=bound)
    layer.initialize(mx.init.Uniform(0.9))
    found, *state = (part.asnumpy() for part in read(layer, STEPS))
    for row in range(2):
        expected = projected(layer, X[row], bound or np.inf)
        np.testing.assert_allclose(found[:, row], expected, rtol=1e-4, atol=1e-6)
    assert [part.shape for part in state] == [(2, 2), (2, 4)]
    if bound:
        assert max(np.abs(part).max() for part in (found, *state)) == np.float32(bound)


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_reads_on_where_it_stopped(kind: str) -> None:
    layer = LAYERS[kind]()
    layer.initialize(mx.init.Uniform(0.9))
    for hybrid in (False, True):
        layer.hybridize(hybrid)
        whole = [part.asnumpy() for part in read(layer, STEPS)]
        first, *state = read(layer, STEPS[:2])
        second, *state = read(layer, STEPS[2:], *state)
        parts = np.concatenate([first.asnumpy(), second.asnumpy()])
        np.testing.assert_allclose(parts, whole[0], rtol=1e-5, atol=1e-6)
        for ours, theirs in zip(state, whole[1:], strict=True):
            np.testing.assert_allclose(ours.asnumpy(), theirs, rtol=1e-5, atol=1e-6)


def test_a_plain_layer_is_mxnets() -> None:
    layer, theirs = LSTMLayer(3, 4), mx.gluon.rnn.LSTM(4, input_size=3)
    for net in (layer, theirs):
        net.initialize(mx.init.Uniform(0.9))
    for name, param in layer.params.items():
        theirs.params.get(f"l0_{name.removeprefix(layer.prefix)}").set_data(param.data())
    found = read(layer, STEPS)[0].asnumpy()
    np.testing.assert_array_equal(found, theirs(mx.nd.array(STEPS)).asnumpy())


def test_weights_between_states_are_left_out_in_training_alone() -> None:
    layer = LSTMLayer(3, 4, weight_dropout=0.5)
    layer.initialize(mx.init.Uniform(0.9))
    resting = read(layer, STEPS)[0].asnumpy()
    np.testing.assert_array_equal(read(layer, STEPS)[0].asnumpy(), resting)
    with mx.autograd.record():
        found = read(layer, STEPS)[0]
        found.sum().backward()
    changed = np.abs(found.asnumpy() - resting).max(axis=(1, 2)) > 0
    assert list(changed) == [False, True, True, True, True]  # the first state has none before it
    gradient = layer.h2h_weight.grad().asnumpy()
    assert 0 < (gradient == 0).sum() < gradient.size  # those that were left out


@pytest.mark.parametrize("kind", LAYERS)
def test_gradients_reach_everything(kind: str) -> None:
    layer = LAYERS[kind]()
    layer.initialize(mx.init.Uniform(0.9 if kind == "plain" else 0.1))
    for hybrid in (False, True):
        layer.hybridize(hybrid)
        with mx.autograd.record():
            read(layer, STEPS)[0].square().sum().backward()
        for name, param in layer.collect_params().items():
            assert param.grad().asnumpy().any(), name


def test_units_of_the_state_are_left_out_in_training_alone() -> None:
    layer = LSTMLayer(3, 4, state_dropout=0.5)
    layer.initialize(mx.init.Uniform(0.9))
    resting = read(layer, STEPS)[0].asnumpy()
    np.testing.assert_array_equal(read(layer, STEPS)[0].asnumpy(), resting)
    with mx.autograd.record():
        found = read(layer, STEPS)[0]
        found.sum().backward()
    changed = np.abs(found.asnumpy() - resting).max(axis=(1, 2)) > 0
    assert list(changed) == [False, True, True, True, True]  # the first state has none before it
    unused = layer.h2h_weight.grad().asnumpy() == 0
    np.testing.assert_array_equal(unused.all(axis=0), unused.any(axis=0))  # whole units
    assert 0 < unused[0].sum() < 4


def shared(**options: float) -> SharedDropoutLSTM:
    lstm = SharedDropoutLSTM(3, 4, layers=2, **options)
    lstm.initialize(mx.init.Uniform(0.7))
    return lstm


def test_without_dropout_both_kinds_of_layers_are_the_same(tmp_path: Path) -> None:
    ours, theirs = shared(dropout=0.5, state_dropout=0.5), build(2)
    values = ours._collect_params_with_prefix()
    for key, param in theirs._collect_params_with_prefix().items():
        param.set_data(values[key.replace("_unfused.0.", "")].data())
    expected = states(theirs, X, LENGTHS)
    np.testing.assert_allclose(states(ours, X, LENGTHS), expected, rtol=1e-5, atol=1e-6)
    ours.hybridize()
    np.testing.assert_allclose(states(ours, X, LENGTHS), expected, rtol=1e-5, atol=1e-6)
    other = X.copy()
    other[1, 3:] = 1e3
    np.testing.assert_array_equal(
        states(ours, other, LENGTHS)[1, :3], states(ours, X, LENGTHS)[1, :3]
    )
    ours.export(str(tmp_path / "lstm"))
    inputs = [mx.sym.var(name, dtype="float32") for name in ("data0", "data1")]
    again = mx.gluon.SymbolBlock(mx.sym.load(str(tmp_path / "lstm-symbol.json")), inputs)
    again.load_parameters(str(tmp_path / "lstm-0000.params"), cast_dtype=True)
    result = again(mx.nd.array(X[:, :4]), mx.nd.array([4, 3])).asnumpy()
    np.testing.assert_allclose(
        result, states(ours, X[:, :4], np.array([4, 3], "float32")), rtol=1e-5, atol=1e-6
    )


def test_the_same_units_of_all_tokens_are_left_out() -> None:
    lstm = shared(dropout=0.5)
    with mx.autograd.train_mode():
        found = states(lstm, X[:1], LENGTHS[:1])[0]
    np.testing.assert_array_equal((found == 0).all(axis=0), (found == 0).any(axis=0))
    assert (found == 0).any()


def halting(hidden: int = 4) -> HaltingLSTM:
    layer = HaltingLSTM(3, hidden)
    layer.initialize(mx.init.Uniform(0.7))
    return layer


@pytest.mark.parametrize("hybrid", [False, True])
def test_a_text_stops_where_it_ends(hybrid: bool) -> None:
    layer, usual = halting(), LSTMLayer(3, 4)
    usual.initialize()
    for key, param in usual._collect_params_with_prefix().items():
        param.set_data(layer._collect_params_with_prefix()[key].data())
    layer.hybridize(hybrid)
    x = mx.nd.array(X).transpose((1, 0, 2))
    found, last, cell = layer(x, mx.nd.array(LENGTHS))
    for row, length in enumerate(LENGTHS.astype(int).tolist()):
        zeros = mx.nd.zeros((1, 4))
        y, *state = usual(x[:length, row : row + 1], zeros, zeros)
        np.testing.assert_allclose(found[:length, row].asnumpy(), y[:, 0].asnumpy(), atol=1e-6)
        assert not found[length:, row].asnumpy().any()
        np.testing.assert_allclose(last[row].asnumpy(), state[0][0].asnumpy(), atol=1e-6)
        np.testing.assert_allclose(cell[row].asnumpy(), state[1][0].asnumpy(), atol=1e-6)


def test_padding_changes_no_bit_of_a_state() -> None:
    layer = halting()
    x = mx.nd.array(X).transpose((1, 0, 2))
    other = x.copy()
    other[3:, 1] = 1e3
    for ours, theirs in zip(
        layer(x, mx.nd.array(LENGTHS)), layer(other, mx.nd.array(LENGTHS)), strict=True
    ):
        np.testing.assert_array_equal(ours.asnumpy(), theirs.asnumpy())
