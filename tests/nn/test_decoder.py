from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, Embedding, LayerNorm

from toolkit.nn import DecoderLayer, FeedForward, MultiHeadAttention, causal_bias
from toolkit.nn.activation import activation
from toolkit.nn.containers import sequence
from toolkit.nn.decoder import WritingDecoder

WORDS = np.random.default_rng(0).integers(0, 20, (2, 6))


class Plain(WritingDecoder):
    """Two layers on vectors of words; a word more counts a little, wherever it stands."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = 2
        self.tokens = Embedding(20, 8)
        self.layers = sequence(*(self._layer() for _ in range(2)))
        self.output = Dense(20, flatten=False, in_units=8)
        self.prepare()

    def _layer(self) -> DecoderLayer:
        attention = (MultiHeadAttention(8, 2), MultiHeadAttention(8, 2))
        norms = tuple(LayerNorm(in_channels=8) for _ in range(3))
        return DecoderLayer(*attention, FeedForward(8, 12, act=activation("relu")), norms)

    def parts(self) -> tuple[HybridBlock | None, ...]:
        return self.tokens, None, self.output

    def embed(self, F: Any, words: Any, source: Any) -> Any:
        return self.tokens(words)

    def bias(self, F: Any, words: Any, source: Any, *, alone: bool) -> Any:
        return None if alone else causal_bias(F, words, source)

    def score(self, F: Any, x: Any) -> Any:
        return self.output(x)


@pytest.fixture
def decoder() -> Plain:
    mx.random.seed(0)
    net = Plain()
    net.initialize(mx.init.Normal(0.5))
    return net


def memory() -> tuple[mx.nd.NDArray, mx.nd.NDArray]:
    data = np.random.default_rng(1).normal(size=(2, 5, 8))
    return mx.nd.array(data), mx.nd.array([5, 3])


@pytest.mark.parametrize("cuts", [[6], [1] * 6, [1, 3, 1, 1], [4, 2]])
def test_word_by_word_is_all_at_once(decoder: Plain, cuts: list[int]) -> None:
    whole = decoder(mx.nd.array(WORDS), *memory()).asnumpy()
    states, place = None, 0
    for count in cuts:
        part = mx.nd.array(WORDS[:, place : place + count])
        scores, states = decoder.step(part, states, *memory())
        place += count
        np.testing.assert_allclose(scores.asnumpy(), whole[:, place - 1], rtol=1e-4, atol=1e-5)


def test_parts_are_counted_once(decoder: Plain) -> None:
    keys = decoder._collect_params_with_prefix()
    assert all(key.startswith(("tokens.", "layers.", "output.")) for key in keys)
    assert len({id(param) for param in keys.values()}) == len(keys)


def test_what_lies_beyond_the_memory_changes_nothing(decoder: Plain) -> None:
    data, lengths = memory()
    scores = decoder(mx.nd.array(WORDS), data, lengths).asnumpy()
    data[1, 3:] = 9
    np.testing.assert_array_equal(decoder(mx.nd.array(WORDS), data, lengths).asnumpy(), scores)
