"""GNMT, LSTMs that translate with attention: Wu et al., 2016, https://arxiv.org/abs/1609.08144.

In the form that GluonNLP trained: the lowest layer of the decoder asks the memory, and what it
finds is told to every layer above and to itself at the next word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, Dropout, Embedding

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.containers import sequence
from toolkit.nn.loops import Loop
from toolkit.nn.lstm import HaltingLSTM, LSTMLayer, ReadingLayer
from toolkit.nn.masks import padding_bias

# Of each layer what it gave last and its cell; then what was found in the memory, and the memory.
States = list[tuple[mx.nd.NDArray, ...]]


@dataclass(frozen=True)
class GNMTConfig:
    """What tells one GNMT from another.

    Raises:
        ValueError: no layer above those that read both ways.
    """

    layers: int = 2  # of the encoder and of the decoder
    both_ways: int = 1  # the lowest ones of the encoder, which read from both ends
    units: int = 512  # of words and of layers
    vocab_size: int = 17191  # of IWSLT 2015, English
    target_vocab_size: int | None = 7709  # and Vietnamese; None for one table for both
    residual: bool = False  # whether layers add to what they read, where they read one another
    start: int = 2  # the word before the first one that is written,
    end: int = 3  # and the one after the last
    pooler_activation: str = "tanh"
    dropout: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.both_ways < self.layers:
            raise ValueError(
                f"some of {self.layers} layers must read one way, {self.both_ways} read both"
            )

    @property
    def words(self) -> int:
        """Words of the target."""
        return self.vocab_size if self.target_vocab_size is None else self.target_vocab_size


VARIANTS = {"gnmt_en_vi_512": GNMTConfig()}


class BothWays(HybridBlock):
    """Two layers that read from both ends; the state is that of the one that goes back.

    Args:
        units: Of a token that comes in.
        hidden: Of each direction; twice as many come out.
    """

    def __init__(self, units: int, hidden: int) -> None:
        super().__init__()
        self.ahead, self.back = HaltingLSTM(units, hidden), HaltingLSTM(units, hidden)

    def hybrid_forward(self, F: Any, x: Any, valid_length: Any) -> Any:
        """Maps ``(T, N, units)`` to ``(T, N, 2 * hidden)`` and a state, both ``(N, hidden)``."""
        ahead, *_ = self.ahead(x, valid_length)
        mirrored = F.SequenceReverse(x, valid_length, use_sequence_length=True)
        back, last, cell = self.back(mirrored, valid_length)
        back = F.SequenceReverse(back, valid_length, use_sequence_length=True)
        return F.concat(ahead, back, dim=2), last, cell


def _reading_layers(config: GNMTConfig) -> list[HybridBlock]:
    layers: list[HybridBlock] = []
    units = config.units
    for place in range(config.layers):
        kind = BothWays if place < config.both_ways else HaltingLSTM
        layers.append(kind(units, config.units))
        units = 2 * config.units if place < config.both_ways else config.units
    return layers


class GNMTReader(HybridBlock):
    """What the decoder wants of a text: features of its words, and the state of every layer."""

    def __init__(self, config: GNMTConfig) -> None:
        super().__init__()
        self._adding = config.both_ways + 1 if config.residual else config.layers
        self.tokens = Embedding(config.vocab_size, config.units)
        self.layers = sequence(*_reading_layers(config))
        self.dropout = Dropout(config.dropout) if config.dropout else None

    def hybrid_forward(self, F: Any, tokens: Any, segments: Any, valid_length: Any) -> list[Any]:
        """Maps tokens ``(N, T)`` to features ``(N, T, units)`` and states, all ``(N, units)``."""
        # By the shape of the segments, so that no graph lacks this input.
        x = F.slice_like(self.tokens(tokens), segments, axes=(0, 1))
        x, states = F.transpose(x, (1, 0, 2)), []
        for place, layer in enumerate(self.layers):
            y, *state = layer(x, valid_length)
            y = y if self.dropout is None else self.dropout(y)
            x = y + x if place >= self._adding else y
            states += state
        return [F.transpose(x, (1, 0, 2)), *states]


@BACKBONES.family(VARIANTS)
class GNMT(HybridBlock):
    """The encoder: maps tokens, segments ``(N, T)`` and lengths ``(N,)`` to ``(N, T, units)``.

    What stands beyond the valid length changes nothing, and its results are zero. Segments are
    taken as every encoder takes them, but nothing depends on them. ``reader`` gives the states of
    its layers, too.
    """

    ends_with_summary = True

    def __init__(self, config: GNMTConfig) -> None:
        super().__init__()
        self.config = config
        self.units = config.units
        self.vocab_size = config.vocab_size
        self.reader = GNMTReader(config)

    @property
    def tokens(self) -> HybridBlock:
        """The table of words."""
        return self.reader.tokens

    def make_sequence_decoder(self) -> HybridBlock:
        """The decoder, which shares the table of words if both languages have the same."""
        return GNMTDecoder(self.config, self.tokens)

    def hybrid_forward(self, F: Any, tokens: Any, segments: Any, valid_length: Any) -> Any:
        """Encodes."""
        return self.reader(tokens, segments, valid_length)[0]


class AskingLSTM(Loop, ReadingLayer):
    """A layer that is told what its last answer found in a memory, and asks with the next one.

    Luong et al., 2015, https://arxiv.org/abs/1508.04025, scaled by the root of the units.

    Args:
        units: Of words, of the memory and of what comes out.
    """

    def __init__(self, units: int) -> None:
        super().__init__(2 * units, units, units)
        self.query_weight = self.params.get("query_weight", shape=(units, units))
        self.query_bias = self.params.get("query_bias", shape=(units,), init="zeros")

    def hybrid_forward(
        self, F: Any, x: Any, memory: Any, bias: Any, *state: Any, **params: Any
    ) -> tuple[Any, ...]:
        """Maps words ``(T, N, units)`` to as many features, and to what each found.

        ``memory`` is ``(N, S, units)``, ``bias`` ``(N, 1, S)`` is added to the scores, and the
        state is what was given last, the cell and what was found last, all ``(N, units)``; the new
        one is returned behind the features.
        """
        scale = self._sizes[1] ** -0.5

        # Plain products: see ``ProjectedLSTM``.
        def read(word: Any, state: list[Any]) -> tuple[list[Any], list[Any]]:
            last, cell, found = state
            told = F.concat(word, found, dim=1)
            gates = F.dot(told, params["i2h_weight"], transpose_b=True)
            gates = gates + F.dot(last, params["h2h_weight"], transpose_b=True)
            gates = F.broadcast_add(gates, params["i2h_bias"] + params["h2h_bias"])
            i, f, g, o = F.split(gates, num_outputs=4, axis=1)
            i, f, o = (F.Activation(gate, act_type="sigmoid") for gate in (i, f, o))
            cell = f * cell + i * F.Activation(g, act_type="tanh")
            last = o * F.Activation(cell, act_type="tanh")
            asked = F.dot(last, params["query_weight"], transpose_b=True)
            asked = F.broadcast_add(asked, params["query_bias"]) * scale
            scores = F.batch_dot(F.expand_dims(asked, axis=1), memory, transpose_b=True)
            weights = F.softmax(scores + bias, axis=-1)
            found = F.reshape(F.batch_dot(weights, memory), (0, -1))
            return [last, found], [last, cell, found]

        (x, found), state = F.contrib.foreach(read, x, list(state))
        return (x, found, *state)


class GNMTDecoder(HybridBlock):
    """Scores of the word after each word, given what the reader made of a text.

    Args:
        config: That of the encoder.
        tokens: The encoder's table of words.
    """

    def __init__(self, config: GNMTConfig, tokens: HybridBlock) -> None:
        super().__init__()
        self._residual = config.residual
        apart = config.target_vocab_size is not None
        self.tokens = Embedding(config.words, config.units) if apart else tokens
        others = (LSTMLayer(2 * config.units, config.units) for _ in range(config.layers - 1))
        self.layers = sequence(AskingLSTM(config.units), *others)
        self.dropout = Dropout(config.dropout) if config.dropout else None
        self.output = Dense(config.words, flatten=False, in_units=config.units)

    def hybrid_forward(self, F: Any, words: Any, memory: list[Any], valid_length: Any) -> Any:
        """Maps words ``(N, T)`` to scores ``(N, T, words)``, before softmax.

        ``memory`` is what the encoder's ``reader`` gives, ``valid_length`` ``(N,)`` its lengths.
        """
        return self._read(F, words, self._begin(F, memory, valid_length))[0]

    def step(
        self,
        words: mx.nd.NDArray,
        states: States | None,
        memory: list[mx.nd.NDArray],
        valid_length: mx.nd.NDArray,
    ) -> tuple[mx.nd.NDArray, States]:
        """Scores ``(N, words)`` of the word after the last of new words ``(N, T)``.

        ``states`` hold the words that were read before and all of the memory; None at the
        beginning, which alone looks at the memory itself.
        """
        states = states or self._begin(mx.nd, memory, valid_length)
        scores, states = self._read(mx.nd, words, states)
        return scores[:, -1], states

    def _begin(self, F: Any, memory: list[Any], valid_length: Any) -> Any:
        features, *states = memory
        bias = padding_bias(F, features, valid_length, 1)
        bias = F.reshape(F.slice_axis(bias, axis=2, begin=0, end=1), (0, 1, -1))
        pairs = list(zip(states[::2], states[1::2], strict=True))
        return [*pairs, (F.zeros_like(states[0]),), (features, bias)]

    def _read(self, F: Any, words: Any, states: Any) -> tuple[Any, Any]:
        *pairs, (found,), source = states
        asking, *others = self.layers
        x = F.transpose(self.tokens(words), (1, 0, 2))
        x, told, *state = asking(x, *source, *pairs[0], found)
        new, last = [tuple(state[:2])], (state[2],)
        for layer, pair in zip(others, pairs[1:], strict=True):
            y, *state = layer(F.concat(x, told, dim=2), *pair)
            y = y if self.dropout is None else self.dropout(y)
            x = y + x if self._residual else y
            new.append(tuple(state))
        return self.output(F.transpose(x, (1, 0, 2))), [*new, last, source]
