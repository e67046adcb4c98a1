"""LSTMs that read words from left to right, for language models.

Plain: Zaremba et al., 2014, https://arxiv.org/abs/1409.2329. AWD: Merity et al., 2017,
https://arxiv.org/abs/1708.02182. Big, with a projection: Jozefowicz et al., 2016,
https://arxiv.org/abs/1602.02410.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, Dropout

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.containers import sequence
from toolkit.nn.lstm import LSTMLayer, ProjectedLSTM

# What each layer remembers of the texts read so far: its output and its cell.
States = list[tuple[mx.nd.NDArray, mx.nd.NDArray]]


@dataclass(frozen=True)
class LSTMConfig:
    """What tells one of these from another.

    Raises:
        ValueError: the table of words is to score them, but has other units than the last layer.
    """

    embedding_units: int  # of a word's vector
    hidden: tuple[int, ...]  # units of each layer
    vocab_size: int = 33278  # of WikiText-2
    projection: int | None = None  # units of what each layer gives; default as many as it has
    tied: bool = True  # whether the table of words scores the next one, too
    dropout: float = 0.0  # of what comes out of the last layer
    word_dropout: float = 0.0  # share of the words whose vectors are left out
    input_dropout: float = 0.0  # of the vectors of words
    layer_dropout: float = 0.0  # of what one layer gives the next
    weight_dropout: float = 0.0  # share of the weights from state to state that are left out
    locked: bool = False  # whether dropout leaves out the same units of all tokens of a text
    pooler_activation: str = "tanh"

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))
        if self.tied and self.units != self.embedding_units:
            raise ValueError(
                f"words of {self.embedding_units} units cannot score {self.units} units; tied=False"
            )

    @property
    def units(self) -> int:
        """Units of the features."""
        return self.projection or self.hidden[-1]


def _standard(units: int, dropout: float) -> LSTMConfig:
    return LSTMConfig(
        units, (units, units), dropout=dropout, input_dropout=dropout, layer_dropout=dropout
    )


STANDARD = {
    "standard_lstm_lm_200": _standard(200, 0.2),
    "standard_lstm_lm_650": _standard(650, 0.5),
    "standard_lstm_lm_1500": _standard(1500, 0.65),
}
AWD = {
    "awd_lstm_lm_600": LSTMConfig(
        200,
        (600, 600, 200),
        dropout=0.2,
        word_dropout=0.05,
        input_dropout=0.3,
        layer_dropout=0.1,
        weight_dropout=0.2,
        locked=True,
    ),
    "awd_lstm_lm_1150": LSTMConfig(
        400,
        (1150, 1150, 400),
        dropout=0.4,
        word_dropout=0.1,
        input_dropout=0.65,
        layer_dropout=0.2,
        weight_dropout=0.5,
        locked=True,
    ),
}
BIG = {
    "big_rnn_lm_2048_512": LSTMConfig(
        512,
        (2048,),
        vocab_size=793471,  # of the billion word benchmark
        projection=512,
        tied=False,
        dropout=0.1,
        input_dropout=0.1,
    )
}


class Words(HybridBlock):
    """A table of words, some of which are left out in training wherever they stand.

    Args:
        vocab_size: Number of words.
        units: Of a word.
        dropout: Share of the words that are left out.
    """

    def __init__(self, vocab_size: int, units: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self._sizes = {"input_dim": vocab_size, "output_dim": units}
        self._dropout = dropout
        self.weight = self.params.get("weight", shape=(vocab_size, units))

    def hybrid_forward(self, F: Any, tokens: Any, weight: Any) -> Any:
        """Maps tokens of any shape to their vectors, the last axis of ``units``."""
        x = F.Embedding(tokens, weight, **self._sizes)
        if not self._dropout:
            return x
        kept = F.Dropout(F.ones_like(F.slice_axis(weight, axis=1, begin=0, end=1)), p=self._dropout)
        kept = F.Embedding(tokens, kept, input_dim=self._sizes["input_dim"], output_dim=1)
        return F.broadcast_mul(x, kept)


def _layers(config: LSTMConfig) -> list[HybridBlock]:
    layers: list[HybridBlock] = []
    units = config.embedding_units
    for hidden in config.hidden:
        if config.projection:
            layers.append(ProjectedLSTM(units, hidden, config.projection))
        else:
            layers.append(LSTMLayer(units, hidden, weight_dropout=config.weight_dropout))
        units = config.projection or hidden
    return layers


@BACKBONES.family(STANDARD | AWD | BIG)
class LSTMReader(HybridBlock):
    """Maps tokens ``(N, T)``, segments ``(N, T)`` and lengths ``(N,)`` to ``(N, T, units)``.

    Each token sees those before it, so the last one sums up a text. Segments are taken as every
    encoder takes them, but nothing depends on them.
    """

    ends_with_summary = True

    def __init__(self, config: LSTMConfig) -> None:
        super().__init__()
        self.config = config
        self.units = config.units
        self.vocab_size = config.vocab_size
        axes = (0,) if config.locked else ()  # tokens are the first axis
        self.tokens = Words(config.vocab_size, config.embedding_units, dropout=config.word_dropout)
        self.input_dropout = Dropout(config.input_dropout, axes=axes)
        self.layers = sequence(*_layers(config))
        self.layer_dropout = Dropout(config.layer_dropout, axes=axes)
        self.dropout = Dropout(config.dropout, axes=axes)

    def make_decoder(self) -> HybridBlock:
        """Scores of every word: the table of words and a bias a word, or a layer of its own."""
        shared = self.tokens.params if self.config.tied else None
        return Dense(self.vocab_size, flatten=False, in_units=self.units, params=shared)

    def hybrid_forward(self, F: Any, tokens: Any, segments: Any, valid_length: Any) -> Any:
        """Reads whole texts."""
        x, _ = self._read(F, tokens)
        # All of it: the segments are here for their shape, so that no graph lacks this input.
        x = F.slice_like(F.transpose(self.dropout(x), axes=(1, 0, 2)), segments, axes=(0, 1))
        return F.SequenceMask(x, valid_length, use_sequence_length=True, axis=1)

    def step(
        self, tokens: mx.nd.NDArray, states: States | None = None
    ) -> tuple[mx.nd.NDArray, States]:
        """Reads the next tokens ``(N, T)`` of texts whose earlier ones are in ``states``.

        Returns:
            Features ``(N, T, units)`` of these tokens, and the states with them.
        """
        x, new = self.recur(tokens, states)
        return self.dropout(x).transpose((1, 0, 2)), new

    def recur(
        self, tokens: mx.nd.NDArray, states: States | None = None
    ) -> tuple[mx.nd.NDArray, States]:
        """As `step`, but features ``(T, N, units)`` as the last layer gives them.

        Some penalties of training want these, and those that ``self.dropout`` leaves.
        """
        return self._read(mx.nd, tokens, states)

    def _read(self, F: Any, tokens: Any, states: Any = None) -> tuple[Any, Any]:
        x = self.input_dropout(self.tokens(F.transpose(tokens)))
        new = []
        for index, layer in enumerate(self.layers):
            x = self.layer_dropout(x) if index else x
            x, *state = layer(x, *(states[index] if states else layer.begin(F, x)))
            new.append(tuple(state))
        return x, new
