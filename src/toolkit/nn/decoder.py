"""Decoders that write a text for another: all words at once to train, word by word to write."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import HybridSequential

from toolkit.nn.masks import padding_bias

# Keys and values of the words so far and of the memory, for each layer; last the memory's bias.
States = list[tuple[mx.nd.NDArray, ...]]


class WritingDecoder(HybridBlock):
    """Scores of the word after each word, given what an encoder made of a text. Abstract.

    A final decoder has ``heads`` and ``layers``, of ``DecoderLayer``, defines ``embed``, ``bias``,
    ``score`` and ``parts``, and calls ``prepare`` when it has all of its parts.
    """

    heads: int
    layers: HybridSequential

    def embed(self, F: Any, words: Any, source: Any) -> Any:
        """Features ``(N, T, units)`` of words, which are the last T of a ``source`` ``(N, S)``."""
        raise NotImplementedError

    def bias(self, F: Any, words: Any, source: Any, *, alone: bool) -> Any:
        """What is added to the scores of words to all of the source, or None.

        It broadcasts to ``(N, heads, T, S)``. Words that are ``alone`` are the last of each text.
        """
        raise NotImplementedError

    def score(self, F: Any, x: Any) -> Any:
        """Scores ``(N, T, vocab_size)``, before softmax, of what the last layer gives."""
        raise NotImplementedError

    def parts(self) -> tuple[HybridBlock | None, ...]:
        """The blocks that these three call."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Makes what reads word by word."""
        reader = NextWord(self)
        # Functions, not a child: its parameters are not this network's a second time.
        self._read_one = partial(reader)  # type: ignore[misc]
        self._read_some = reader.read

    def hybrid_forward(self, F: Any, words: Any, memory: Any, valid_length: Any) -> Any:
        """Maps words ``(N, T)`` to scores ``(N, T, vocab_size)``, before softmax.

        ``memory`` ``(N, S, units)`` is the encoder's result, ``valid_length`` ``(N,)`` its lengths.
        """
        # In full shape, once for all layers: equal shapes are added several times faster.
        bias = self.bias(F, words, words, alone=False)
        bias = F.broadcast_like(bias, memory, lhs_axes=(0,), rhs_axes=(0,))
        memory_bias = padding_bias(F, memory, valid_length, self.heads, queries=words)
        x = self.embed(F, words, words)
        for layer in self.layers:
            x = layer(x, bias, memory, memory_bias)
        return self.score(F, x)

    def step(
        self,
        words: mx.nd.NDArray,
        states: States | None,
        memory: mx.nd.NDArray,
        valid_length: mx.nd.NDArray,
    ) -> tuple[mx.nd.NDArray, States]:
        """Scores ``(N, vocab_size)`` of the word after the last of new words ``(N, T)``.

        ``states`` hold the words that were read before and all of the memory; None at the
        beginning, which alone looks at the memory itself.
        """
        if states is None:
            blocks = [layer.cross_attention for layer in self.layers]
            past: States = [(None, None, *block.remember(mx.nd, memory)) for block in blocks]
            memory_bias = padding_bias(mx.nd, memory, valid_length, 1, queries=words[:, :1])
        else:
            past, (memory_bias,) = states[:-1], states[-1]
        if states and words.shape[1] == 1:
            scores, *new = self._read_one(words, *(a for state in past for a in state), memory_bias)
        else:
            alone = words.shape[1] == 1
            scores, *new = self._read_some(mx.nd, words, past, memory_bias, alone=alone)
        pairs = zip(new[::2], new[1::2], past, strict=True)
        return scores[:, 0], [*((k, v, *old[2:]) for k, v, old in pairs), (memory_bias,)]


class NextWord(HybridBlock):
    """One more word ``(N, 1)`` of texts that were begun: a single graph for every length.

    Args:
        decoder: Whose parts these are; they keep their parameters.
    """

    def __init__(self, decoder: WritingDecoder) -> None:
        super().__init__()
        self._embed, self._bias, self._score = decoder.embed, decoder.bias, decoder.score
        self._steps = [layer.step for layer in decoder.layers]
        parts = (part for layer in decoder.layers for part in layer.parts_of_step())
        for part in (*decoder.parts(), *parts):
            if part is not None:
                self.register_child(part)
        self.hybridize()

    def hybrid_forward(self, F: Any, words: Any, *states: Any) -> list[Any]:
        """Scores ``(N, 1, vocab_size)``, then each layer's keys and values of the words so far.

        ``states`` are keys and values of earlier words and of the memory, layer by layer, then the
        memory's bias.
        """
        past = [states[place : place + 4] for place in range(0, len(states) - 1, 4)]
        return self.read(F, words, past, states[-1], alone=True)

    def read(
        self, F: Any, words: Any, past: Sequence[Any], memory_bias: Any, *, alone: bool
    ) -> list[Any]:
        """The same of any number of words, of which only one that is alone sees all the others."""
        source = words if past[0][0] is None else _so_far(F, past[0][0], words)
        bias = self._bias(F, words, source, alone=alone)
        x, new = self._embed(F, words, source), []
        for step, (key, value, *memory) in zip(self._steps, past, strict=True):
            pair = None if key is None else (key, value)
            x, pair = step(x, bias, pair, (*memory, memory_bias), F)
            new += pair
        return [self._score(F, F.slice_axis(x, axis=1, begin=-1, end=None)), *new]


def _so_far(F: Any, key: Any, words: Any) -> Any:
    """An array ``(N, S)`` for its length, that of earlier words' keys and of new words together."""
    for axis in (1, 3):
        key = F.slice_axis(key, axis=axis, begin=0, end=1)
    return F.concat(F.reshape(key, (0, -1)), F.cast(words, "float32"), dim=1)
