"""ELMo: words from their spelling, in context: Peters et al., 2018, https://arxiv.org/abs/1802.05365.

How words are read: Kim et al., 2015, https://arxiv.org/abs/1508.06615.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, Embedding

from toolkit.model_zoo.registry import BACKBONES
from toolkit.nn.containers import sequence
from toolkit.nn.lstm import ProjectedLSTM


@dataclass(frozen=True)
class ELMoConfig:
    """What tells one ELMo from another."""

    hidden: int  # of the cells of each direction
    projection: int  # units that each direction gives
    highways: int = 1  # layers between a word's spelling and its vector
    layers: int = 2  # of each direction
    bound: float = 3.0  # largest size of a number in a cell and in what it gives
    characters: int = 50  # of a word
    vocab_size: int = 262  # kinds of characters
    character_units: int = 16
    filters: tuple[tuple[int, int], ...] = (  # characters that each sees, and how many
        (1, 32),
        (2, 32),
        (3, 64),
        (4, 128),
        (5, 256),
        (6, 512),
        (7, 1024),
    )
    pooler_activation: str = "tanh"


VARIANTS = {
    "elmo_2x1024_128_2048cnn_1xhighway": ELMoConfig(1024, 128),
    "elmo_2x2048_256_2048cnn_1xhighway": ELMoConfig(2048, 256),
    "elmo_2x4096_512_2048cnn_2xhighway": ELMoConfig(4096, 512, highways=2),
}


class Highway(HybridBlock):
    """Gates between what comes in and what a dense layer makes of it.

    Srivastava et al., 2015, https://arxiv.org/abs/1505.00387.

    Args:
        units: Of what comes in and goes out.
    """

    def __init__(self, units: int) -> None:
        super().__init__()
        self.change = Dense(2 * units, in_units=units)  # what is new, and how much of it

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, units)`` to the same shape."""
        new, gate = F.split(self.change(x), num_outputs=2, axis=1)
        gate = F.Activation(gate, act_type="sigmoid")
        return x + gate * (F.Activation(new, act_type="relu") - x)


class Filters(HybridBlock):
    """The largest answer of each filter to the characters next to each other in a word.

    A convolution, but as a product: one of oneDNN's leaves its results in a layout of its own,
    which the loop of the LSTMs, in one graph with it, may read while it is put back.

    Args:
        units: Of a character.
        count: How many filters.
        width: Characters that each sees.
    """

    def __init__(self, units: int, count: int, width: int) -> None:
        super().__init__()
        self._count, self._width = count, width
        self.weight = self.params.get("weight", shape=(count, units, width))
        self.bias = self.params.get("bias", shape=(count,), init="zeros")

    def hybrid_forward(self, F: Any, x: Any, weight: Any, bias: Any) -> Any:
        """Maps ``(N, characters, units)`` to ``(N, count)``."""
        ends = (place + 1 - self._width or None for place in range(self._width))
        parts = [F.slice_axis(x, axis=1, begin=k, end=end) for k, end in enumerate(ends)]
        x = F.reshape(F.stack(*parts, axis=3), (0, 0, -1))
        flat = F.reshape(weight, (0, -1))
        return F.max(F.FullyConnected(x, flat, bias, num_hidden=self._count, flatten=False), axis=1)


class Speller(HybridBlock):
    """Words from their characters: ``(N, T, characters)`` to ``(N, T, projection)``.

    Args:
        config: That of the encoder.
    """

    def __init__(self, config: ELMoConfig) -> None:
        super().__init__()
        self._characters = config.characters
        units = config.character_units
        self.characters = Embedding(config.vocab_size, units)
        self.filters = sequence(*(Filters(units, count, width) for width, count in config.filters))
        found = sum(count for _, count in config.filters)
        self.highways = sequence(*(Highway(found) for _ in range(config.highways)))
        self.project = Dense(config.projection, in_units=found)

    def hybrid_forward(self, F: Any, words: Any) -> Any:
        """Spells every word for itself."""
        x = self.characters(F.reshape(words, (-1, self._characters)))
        x = F.concat(*(filters(x) for filters in self.filters), dim=1)
        x = F.Activation(x, act_type="relu")
        x = self.project(self.highways(x))
        every = F.slice_axis(words, axis=2, begin=0, end=1)  # for the numbers of texts and words
        return F.reshape_like(x, every, lhs_begin=0, lhs_end=1, rhs_begin=0, rhs_end=2)


class LayerMix(HybridBlock):
    """A weighted mean of the layers, times a factor: what a task makes of ELMo.

    All weights are equal before training.

    Args:
        layers: How many.
    """

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.weights = self.params.get("weights", shape=(layers,), init="zeros")
        self.factor = self.params.get("factor", shape=(1,), init="ones")

    def hybrid_forward(self, F: Any, *layers: Any, weights: Any, factor: Any) -> Any:
        """Maps layers of one shape to one array of it."""
        shares = F.broadcast_mul(F.softmax(weights), factor)
        last = F.stack(*layers, axis=-1)
        return F.squeeze(F.dot(last, F.expand_dims(shares, axis=1)), axis=-1)


@BACKBONES.family(VARIANTS)
class ELMo(HybridBlock):
    """Maps spelled words ``(N, T, characters)``, segments ``(N, T)`` and lengths ``(N,)``.

    The features are ``(N, T, units)``, half of the units from what is before a word, half from what
    is behind it. What stands beyond the valid length changes nothing, and its results are zero.
    ``toolkit.data.text.ELMoCharVocab`` spells; the published weights were trained on sentences
    between ``<bos>`` and ``<eos>``. Segments are taken as every encoder takes them, but nothing
    depends on them.
    """

    ends_with_summary = True

    def __init__(self, config: ELMoConfig) -> None:
        super().__init__()
        self.config = config
        self.units = 2 * config.projection
        self.vocab_size = config.vocab_size
        self.characters = config.characters
        self.speller = Speller(config)
        self.forwards = sequence(*_direction(config))
        self.backwards = sequence(*_direction(config))
        self.mix = LayerMix(1 + config.layers)

    def hybrid_forward(self, F: Any, words: Any, segments: Any, valid_length: Any) -> Any:
        """Mixes all layers."""
        x = self.mix(*self.read_layers(words, valid_length, F))
        # All of it: the segments are here for their shape, so that no graph lacks this input.
        x = F.slice_like(x, segments, axes=(0, 1))
        return F.SequenceMask(x, valid_length, use_sequence_length=True, axis=1)

    def read_layers(self, words: Any, valid_length: Any, F: Any = None) -> list[Any]:
        """The layers one by one, each ``(N, T, units)``: the words alone (twice), then in context.

        Beyond the valid length they hold numbers without a meaning.
        """
        F = F or mx.nd
        x = self.speller(words)
        spelled = F.transpose(x, axes=(1, 0, 2))
        mirror = {"sequence_length": valid_length, "use_sequence_length": True}
        ahead = _through(F, self.forwards, spelled)
        back = _through(F, self.backwards, F.SequenceReverse(spelled, **mirror))
        layers = [F.concat(x, x, dim=2)]
        for one, other in zip(ahead, back, strict=True):
            both = F.concat(one, F.SequenceReverse(other, **mirror), dim=2)
            layers.append(F.transpose(both, axes=(1, 0, 2)))
        return layers


def _direction(config: ELMoConfig) -> list[ProjectedLSTM]:
    units = config.projection
    return [
        ProjectedLSTM(units, config.hidden, units, bound=config.bound) for _ in range(config.layers)
    ]


def _through(F: Any, layers: HybridBlock, x: Any) -> list[Any]:
    """What each layer gives; all but the first add it to what they were given."""
    found: list[Any] = []
    for layer in layers:
        new = layer(x, *layer.begin(F, x))[0]
        x = new + x if found else new
        found.append(x)
    return found
