from __future__ import annotations

from collections.abc import Callable

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import LayerNorm

from toolkit.nn import (
    DecoderLayer,
    FeedForward,
    GatedFeedForward,
    MultiHeadAttention,
    TransformerLayer,
    causal_bias,
)
from toolkit.nn.activation import activation

X = np.random.default_rng(1).normal(size=(2, 3, 8)).astype("float32")


def layer(**options: bool | float) -> TransformerLayer:
    norms = (LayerNorm(in_channels=8), LayerNorm(in_channels=8))
    feed_forward = FeedForward(8, 12, act=activation("relu"))
    return TransformerLayer(MultiHeadAttention(8, 2), feed_forward, norms, **options)


def normal(x: np.ndarray, norm: LayerNorm) -> np.ndarray:
    gamma, beta = norm.gamma.data().asnumpy(), norm.beta.data().asnumpy()
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * gamma + beta


def run(block: mx.gluon.Block, x: np.ndarray) -> np.ndarray:
    return block(mx.nd.array(x)).asnumpy()


def test_feed_forward_is_two_dense_layers(same_everywhere: Callable) -> None:
    block = FeedForward(8, 12, act=activation("relu"))
    y = same_everywhere(block, X)
    w = {key: p.data().asnumpy() for key, p in block._collect_params_with_prefix().items()}
    hidden = np.maximum(X @ w["expand.weight"].T + w["expand.bias"], 0)
    expected = hidden @ w["contract.weight"].T + w["contract.bias"]
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)


def test_feed_forward_without_biases_has_none() -> None:
    block = FeedForward(8, 12, act=activation("relu"), use_bias=False)
    assert sorted(block._collect_params_with_prefix()) == ["contract.weight", "expand.weight"]


def test_gates_scale_what_passes(same_everywhere: Callable) -> None:
    block = GatedFeedForward(8, 12, act=activation("relu"), use_bias=False)
    y = same_everywhere(block, X)
    w = {key: p.data().asnumpy() for key, p in block._collect_params_with_prefix().items()}
    assert len(w) == 3
    hidden = np.maximum(X @ w["gate.weight"].T, 0) * (X @ w["linear.weight"].T)
    np.testing.assert_allclose(y, hidden @ w["contract.weight"].T, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("first", [False, True])
def test_normalizations_are_where_they_should_be(first: bool, same_everywhere: Callable) -> None:
    block = layer(norm_first=first)
    y = same_everywhere(block, X)
    attention, feed_forward = block.attention, block.feed_forward
    norms = block.attention_norm, block.feed_forward_norm
    if first:
        x = X + run(attention, normal(X, norms[0]))
        expected = x + run(feed_forward, normal(x, norms[1]))
    else:
        x = normal(X + run(attention, X), norms[0])
        expected = normal(x + run(feed_forward, x), norms[1])
    np.testing.assert_allclose(y, expected, rtol=1e-3, atol=1e-3)


def test_dropout_acts_in_training_alone() -> None:
    block = layer(dropout=0.5)
    block.initialize(mx.init.Normal(0.5))
    x = mx.nd.array(X)
    np.testing.assert_array_equal(block(x).asnumpy(), block(x).asnumpy())
    with mx.autograd.record():
        first, second = block(x), block(x)
    assert not np.array_equal(first.asnumpy(), second.asnumpy())


@pytest.mark.parametrize("first", [False, True])
def test_a_layer_reads_on_from_what_it_kept(first: bool) -> None:
    block = layer(norm_first=first)
    block.initialize(mx.init.Normal(0.5))
    x, causal = mx.nd.array(X), causal_bias(mx.nd, mx.nd.zeros((2, 3)))
    whole = block(x, causal).asnumpy()
    past = None
    for place in range(3):
        y, past = block.step(x[:, place : place + 1], None, past)
        np.testing.assert_allclose(y.asnumpy()[:, 0], whole[:, place], rtol=1e-4, atol=1e-5)


def decoder_layer(**options: bool) -> DecoderLayer:
    parts = (MultiHeadAttention(8, 2), MultiHeadAttention(8, 2))
    norms = tuple(LayerNorm(in_channels=8) for _ in range(3))
    block = DecoderLayer(*parts, FeedForward(8, 12, act=activation("relu")), norms, **options)
    block.initialize(mx.init.Normal(0.5))
    return block


def test_a_decoder_looks_at_its_words_and_then_at_its_memory() -> None:
    block, memory = decoder_layer(), mx.nd.random.normal(shape=(2, 5, 8))
    x, causal = mx.nd.array(X), causal_bias(mx.nd, mx.nd.zeros((2, 3)))
    found = block(x, causal, memory, mx.nd.zeros((1, 1, 3, 5))).asnumpy()
    expected = x + block.attention(block.attention_norm(x), causal)
    expected = expected + block.cross_attention(block.cross_attention_norm(expected), None, memory)
    expected = expected + block.feed_forward(block.feed_forward_norm(expected))
    np.testing.assert_allclose(found, expected.asnumpy(), rtol=1e-4, atol=1e-5)


def test_a_decoder_may_normalize_its_sums() -> None:
    block, memory = decoder_layer(norm_first=False), mx.nd.random.normal(shape=(2, 5, 8))
    x, causal = mx.nd.array(X), causal_bias(mx.nd, mx.nd.zeros((2, 3)))
    found = block(x, causal, memory, mx.nd.zeros((1, 1, 3, 5))).asnumpy()
    expected = block.attention_norm(x + block.attention(x, causal))
    mixed = block.cross_attention(expected, None, memory)
    expected = block.cross_attention_norm(expected + mixed)
    expected = block.feed_forward_norm(expected + block.feed_forward(expected))
    np.testing.assert_allclose(found, expected.asnumpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("first", [False, True])
def test_a_decoder_reads_on_from_what_it_kept(first: bool) -> None:
    block, memory = decoder_layer(norm_first=first), mx.nd.random.normal(shape=(2, 5, 8))
    x, causal = mx.nd.array(X), causal_bias(mx.nd, mx.nd.zeros((2, 3)))
    bias = mx.nd.zeros((1, 1, 1, 5))
    whole = block(x, causal, memory, mx.nd.zeros((1, 1, 3, 5))).asnumpy()
    kept, past = (*block.cross_attention.remember(mx.nd, memory), bias), None
    for place in range(3):
        y, past = block.step(x[:, place : place + 1], None, past, kept)
        np.testing.assert_allclose(y.asnumpy()[:, 0], whole[:, place], rtol=1e-4, atol=1e-5)
    used = {id(p) for part in block.parts_of_step() for p in part.collect_params().values()}
    left = {k for k, p in block._collect_params_with_prefix().items() if id(p) not in used}
    projections = {f"cross_attention.{name}" for name in ("key", "value")}
    assert left == {f"{name}.{end}" for name in projections for end in ("weight", "bias")}
