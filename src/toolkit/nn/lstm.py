"""LSTMs that read texts of different lengths: Hochreiter and Schmidhuber, 1997."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dropout
from mxnet.gluon.rnn import LSTM

from toolkit.nn.containers import sequence
from toolkit.nn.loops import Loop

Read = Callable[[Any], Any]  # of one direction


class BidirectionalLSTM(HybridBlock):
    """Layers that read a text from both ends; what stands beyond its length changes nothing.

    MXNet's own bidirectional layer begins with the padding, and its lengths are for GPUs only.

    Args:
        units: Of a token that comes in.
        hidden: Of each direction; twice as many come out.
        layers: How many, one above the other.
        dropout: Between layers.
    """

    def __init__(self, units: int, hidden: int, *, layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        sizes = [units, *[2 * hidden] * (layers - 1)]
        self.forwards = sequence(*(LSTM(hidden, input_size=size) for size in sizes))
        self.backwards = sequence(*(LSTM(hidden, input_size=size) for size in sizes))
        self.dropout = Dropout(dropout)
        self.units = 2 * hidden  # of what comes out

    def hybrid_forward(self, F: Any, x: Any, valid_length: Any) -> Any:
        """Maps ``(N, T, units)`` and lengths ``(N,)`` to ``(N, T, 2 * hidden)``."""
        x = F.transpose(x, axes=(1, 0, 2))
        for number, (ahead, back) in enumerate(zip(self.forwards, self.backwards, strict=True)):
            x = self.dropout(x) if number else x
            x = _both_ways(F, x, valid_length, ahead, back)
        return F.transpose(x, axes=(1, 0, 2))


def _both_ways(F: Any, x: Any, valid_length: Any, ahead: Read, back: Read) -> Any:
    """What two layers give that read ``(T, N, units)`` from both ends, side by side."""
    mirrored = F.SequenceReverse(x, valid_length, use_sequence_length=True)
    mirrored = F.SequenceReverse(back(mirrored), valid_length, use_sequence_length=True)
    return F.concat(ahead(x), mirrored, dim=2)


class ReadingLayer(HybridBlock):
    """A layer that reads on from a state: what it gave last, and its cell.

    Args:
        units: Of a token that comes in.
        hidden: Of the cell.
        given: Of what comes out.
    """

    def __init__(self, units: int, hidden: int, given: int) -> None:
        super().__init__()
        self._sizes = given, hidden
        get = self.params.get  # the gates: of the input, to forget, of the cell, of the output
        self.i2h_weight = get("i2h_weight", shape=(4 * hidden, units))
        self.h2h_weight = get("h2h_weight", shape=(4 * hidden, given))
        self.i2h_bias = get("i2h_bias", shape=(4 * hidden,), init="zeros")
        self.h2h_bias = get("h2h_bias", shape=(4 * hidden,), init="zeros")

    def begin(self, F: Any, x: Any) -> tuple[Any, Any]:
        """The state before tokens ``(T, N, units)`` if they are the first: zeros ``(N, ...)``."""
        first = F.slice_axis(F.slice_axis(x, axis=0, begin=0, end=1), axis=2, begin=0, end=1)
        zero = F.zeros_like(F.reshape(first, (-1, 1)))
        given, hidden = (F.broadcast_axis(zero, axis=1, size=size) for size in self._sizes)
        return given, hidden


class LSTMLayer(ReadingLayer):
    """The usual layer, which gives its hidden state.

    Weight dropout is that of Merity et al., 2017, https://arxiv.org/abs/1708.02182: in training,
    weights between a state and the next are left out, the same ones for a whole pass. With state
    dropout, that of Gal and Ghahramani, 2015, https://arxiv.org/abs/1512.05287, it is units of the
    state, the same ones for all texts of a batch.

    Args:
        units: Of a token that comes in.
        hidden: Of the cell, and of what comes out.
        weight_dropout: Share of the weights from state to state that are left out.
        state_dropout: Share of the units of the last state that are left out.
    """

    def __init__(
        self, units: int, hidden: int, *, weight_dropout: float = 0.0, state_dropout: float = 0.0
    ) -> None:
        super().__init__(units, hidden, hidden)
        self._weight_dropout, self._state_dropout = weight_dropout, state_dropout

    def hybrid_forward(self, F: Any, x: Any, last: Any, cell: Any, **params: Any) -> Any:
        """Maps ``(T, N, units)`` and a state, both ``(N, hidden)``.

        Returns ``(T, N, hidden)`` and the two parts of the new state.
        """
        names = ("i2h_weight", "h2h_weight", "i2h_bias", "h2h_bias")
        if self._weight_dropout:
            params["h2h_weight"] = F.Dropout(params["h2h_weight"], p=self._weight_dropout)
        if self._state_dropout:  # a unit is all that a column of the weights sees
            params["h2h_weight"] = F.Dropout(params["h2h_weight"], p=self._state_dropout, axes=(0,))
        flat = F.concat(*(F.reshape(params[name], (-1,)) for name in names), dim=0)
        state = [F.expand_dims(part, axis=0) for part in (last, cell)]
        shape = {"state_size": self._sizes[1], "num_layers": 1}
        x, *state = F.RNN(x, flat, *state, mode="lstm", state_outputs=True, **shape)
        return (x, *(F.squeeze(part, axis=0) for part in state))


class ProjectedLSTM(Loop, ReadingLayer):
    """A layer that gives a projection of its hidden state to fewer units.

    Sak et al., 2014, https://arxiv.org/abs/1402.1128; with bounds, as ELMo has them: Peters et
    al., 2018, https://arxiv.org/abs/1802.05365.

    Args:
        units: Of a token that comes in.
        hidden: Of the cell.
        projection: Of what comes out.
        bound: Largest size of a number in the cell and in what comes out; None for any.
    """

    def __init__(
        self, units: int, hidden: int, projection: int, *, bound: float | None = None
    ) -> None:
        super().__init__(units, hidden, projection)
        self._bound = bound
        self.h2r_weight = self.params.get("h2r_weight", shape=(projection, hidden))

    def hybrid_forward(self, F: Any, x: Any, last: Any, cell: Any, **params: Any) -> Any:
        """Maps ``(T, N, units)`` and a state, ``(N, projection)`` and ``(N, hidden)``.

        Returns ``(T, N, projection)`` and the two parts of the new state.
        """
        hidden = self._sizes[1]
        # What the tokens say is known for all of them at once; only the rest has to wait.
        bias = params["i2h_bias"] + params["h2h_bias"]
        said = F.FullyConnected(x, params["i2h_weight"], bias, num_hidden=4 * hidden, flatten=False)

        # Plain products: a dense layer would put its weights into oneDNN's layout, and in the
        # graph of a loop it may read them while that is half done.
        def read(token: Any, state: list[Any]) -> tuple[Any, list[Any]]:
            gates = token + F.dot(state[0], params["h2h_weight"], transpose_b=True)
            i, f, g, o = F.split(gates, num_outputs=4, axis=1)
            i, f, o = (F.Activation(gate, act_type="sigmoid") for gate in (i, f, o))
            cell = self._bounded(F, f * state[1] + i * F.Activation(g, act_type="tanh"))
            x = o * F.Activation(cell, act_type="tanh")
            x = self._bounded(F, F.dot(x, params["h2r_weight"], transpose_b=True))
            return x, [x, cell]

        x, state = F.contrib.foreach(read, said, [last, cell])
        return (x, *state)

    def _bounded(self, F: Any, x: Any) -> Any:
        return x if self._bound is None else F.clip(x, -self._bound, self._bound)


class SharedDropoutLSTM(HybridBlock):
    """Layers that read a text from both ends, trained without the same units of all its tokens.

    Gal and Ghahramani, 2015, https://arxiv.org/abs/1512.05287, as Dozat and Manning, 2017, have it.
    What stands beyond the length of a text changes nothing.

    Args:
        units: Of a token that comes in.
        hidden: Of each direction; twice as many come out.
        layers: How many, one above the other.
        dropout: Of what each layer is given and of what comes out at last.
        state_dropout: Of states, between a token and the next.
    """

    def __init__(
        self,
        units: int,
        hidden: int,
        *,
        layers: int = 1,
        dropout: float = 0.0,
        state_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        make = partial(LSTMLayer, hidden=hidden, state_dropout=state_dropout)
        sizes = [units, *[2 * hidden] * (layers - 1)]
        self.forwards = sequence(*map(make, sizes))
        self.backwards = sequence(*map(make, sizes))
        self.dropout = Dropout(dropout, axes=(0,))
        self.units = 2 * hidden  # of what comes out

    def hybrid_forward(self, F: Any, x: Any, valid_length: Any) -> Any:
        """Maps ``(N, T, units)`` and lengths ``(N,)`` to ``(N, T, 2 * hidden)``."""
        x = F.transpose(x, axes=(1, 0, 2))
        for layers in zip(self.forwards, self.backwards, strict=True):
            ahead, back = (partial(_from_zero, F, layer) for layer in layers)
            x = _both_ways(F, self.dropout(x), valid_length, ahead, back)
        return F.transpose(self.dropout(x), axes=(1, 0, 2))


def _from_zero(F: Any, layer: ReadingLayer, x: Any) -> Any:
    return layer(x, *layer.begin(F, x))[0]


class HaltingLSTM(ReadingLayer):
    """A layer whose state is that after the last token of each text, however much is padded.

    Padding shuts the input gates and opens those that forget nothing, so that cells stay as they
    are to the last bit, and all texts are read at once.

    Args:
        units: Of a token that comes in.
        hidden: Of the cell, and of what comes out.
    """

    _SHUT = -1e4  # a gate that is moved so far is 0, and 1 the other way

    def __init__(self, units: int, hidden: int) -> None:
        super().__init__(units, hidden, hidden)

    def hybrid_forward(self, F: Any, x: Any, valid_length: Any, **params: Any) -> Any:
        """Maps ``(T, N, units)`` and lengths ``(N,)`` to ``(T, N, hidden)`` and a state.

        What comes out beyond a length is zero; the state is what was given last and the cell, both
        ``(N, hidden)``.
        """
        hidden = self._sizes[1]
        gate = F.ones_like(F.slice_axis(params["i2h_bias"], axis=0, begin=0, end=hidden))
        moves = F.concat(gate * self._SHUT, gate * -self._SHUT, gate * 0, gate * 0, dim=0)
        weight = F.concat(params["i2h_weight"], F.reshape(moves, (-1, 1)), dim=1)
        flat = (weight, params["h2h_weight"], params["i2h_bias"], params["h2h_bias"])
        flat = F.concat(*(F.reshape(param, (-1,)) for param in flat), dim=0)
        text = F.slice_axis(F.ones_like(x), axis=2, begin=0, end=1)
        options = {"use_sequence_length": True, "axis": 0}
        padding = 1 - F.SequenceMask(text, valid_length, **options)
        state = [F.expand_dims(part, axis=0) for part in self.begin(F, x)]
        shape = {"state_size": hidden, "num_layers": 1}
        x = F.concat(x, padding, dim=2)
        x, _, cell = F.RNN(x, flat, *state, mode="lstm", state_outputs=True, **shape)
        last = F.SequenceLast(x, valid_length, **options)
        return F.SequenceMask(x, valid_length, **options), last, F.squeeze(cell, axis=0)
