from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import Activation, BatchNorm, GlobalMaxPool2D

from toolkit.nn import (
    ConvSqueezeExcitation,
    MultiHeadAttention,
    SplitAttention,
    SqueezeExcitation,
    causal_bias,
    padding_bias,
)

X = np.random.default_rng(1).normal(1, 1, size=(2, 8, 4, 4)).astype("float32")


def test_scales_each_channel_by_its_gate(same_everywhere: Callable) -> None:
    block = SqueezeExcitation(8, 3)
    y = same_everywhere(block, X)
    squeeze, excite = (b.weight.data().asnumpy() for b in (block.squeeze, block.excite))
    hidden = np.maximum(X.mean((2, 3)) @ squeeze.T, 0)
    gates = 1 / (1 + np.exp(-hidden @ excite.T))
    assert gates.std() > 0.01
    np.testing.assert_allclose(y, X * gates[:, :, None, None], rtol=1e-4, atol=1e-5)


def test_the_layer_in_between_has_the_size_it_is_given() -> None:
    params = SqueezeExcitation(8, 3)._collect_params_with_prefix()
    shapes = {key: param.shape for key, param in params.items()}
    assert shapes == {"squeeze.weight": (3, 8), "excite.weight": (8, 3)}
    biased = SqueezeExcitation(8, 3, use_bias=True)._collect_params_with_prefix()
    assert {key: p.shape for key, p in biased.items() if "bias" in key} == {
        "squeeze.bias": (3,),
        "excite.bias": (8,),
    }


def test_convolutions_with_biases_make_the_gates(same_everywhere: Callable) -> None:
    block = ConvSqueezeExcitation(8, 3)
    y = same_everywhere(block, X)
    weights = {k: p.data().asnumpy() for k, p in block._collect_params_with_prefix().items()}
    assert set(weights) == {"squeeze.weight", "squeeze.bias", "excite.weight", "excite.bias"}
    hidden = X.mean((2, 3)) @ weights["squeeze.weight"][:, :, 0, 0].T + weights["squeeze.bias"]
    scores = np.maximum(hidden, 0) @ weights["excite.weight"][:, :, 0, 0].T
    gates = 1 / (1 + np.exp(-scores - weights["excite.bias"]))
    np.testing.assert_allclose(y, X * gates[:, :, None, None], rtol=1e-4, atol=1e-5)


def test_pooling_and_gate_can_be_given(same_everywhere: Callable) -> None:
    block = ConvSqueezeExcitation(8, 3, pool=GlobalMaxPool2D(), gate=Activation("tanh"))
    y = same_everywhere(block, X)
    scores = block.excite(block.act(block.squeeze(mx.nd.array(X.max((2, 3), keepdims=True)))))
    np.testing.assert_allclose(y, X * np.tanh(scores.asnumpy()), rtol=1e-4, atol=1e-5)


TEXT = np.random.default_rng(1).normal(size=(2, 5, 12)).astype("float32")
LENGTHS = mx.nd.array([5, 3])


def attend(block: MultiHeadAttention, x: np.ndarray, memory: np.ndarray, bias: Any) -> np.ndarray:
    """The formula, head by head."""
    w = {key: p.data().asnumpy() for key, p in block._collect_params_with_prefix().items()}

    def project(name: str, x: np.ndarray) -> np.ndarray:
        y = x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0)
        return y.reshape(*y.shape[:2], block.heads, -1)

    query, key, value = project("query", x), project("key", memory), project("value", memory)
    scores = np.einsum("nthd,nshd->nhts", query, key) * block._scale + bias
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    mixed = np.einsum("nhts,nshd->nthd", weights, value).reshape(*x.shape[:2], -1)
    return mixed @ w["output.weight"].T + w.get("output.bias", 0)


@pytest.mark.parametrize(
    "options",
    [{}, {"use_bias": False}, {"scaled": False}, {"head_units": 5}, {"fused": True}],
    ids=lambda options: next(iter(options), "plain"),
)
def test_attention_is_the_formula(options: dict[str, Any], same_everywhere: Callable) -> None:
    block = MultiHeadAttention(12, 3, **options)
    y = same_everywhere(block, TEXT * 0.2)
    expected = attend(block, TEXT * 0.2, TEXT * 0.2, 0)
    np.testing.assert_allclose(y, expected, rtol=1e-3, atol=1e-3)


def test_the_fused_form_is_equal_to_the_plain_one_with_a_mask() -> None:
    forms = [MultiHeadAttention(12, 3, fused=fused) for fused in (False, True)]
    for block in forms:
        block.initialize()
        for index, param in enumerate(block._collect_params_with_prefix().values()):
            values = np.random.default_rng(index).normal(0, 0.5, param.shape)
            param.set_data(mx.nd.array(values))
    x, bias = mx.nd.array(TEXT), padding_bias(mx.nd, mx.nd.zeros((2, 5)), LENGTHS, 3)
    plain, fused = (block(x, bias).asnumpy() for block in forms)
    np.testing.assert_allclose(fused, plain, rtol=1e-5, atol=1e-6)
    expected = attend(forms[0], TEXT, TEXT, bias.asnumpy())
    np.testing.assert_allclose(plain, expected, rtol=1e-4, atol=1e-5)


def test_another_text_is_asked() -> None:
    block = MultiHeadAttention(12, 3, memory_units=7)
    block.initialize(mx.init.Normal(0.5))
    memory = np.random.default_rng(2).normal(size=(2, 4, 7)).astype("float32")
    y = block(mx.nd.array(TEXT), None, mx.nd.array(memory)).asnumpy()
    np.testing.assert_allclose(y, attend(block, TEXT, memory, 0), rtol=1e-4, atol=1e-5)


def test_dropout_is_on_the_weights_in_training() -> None:
    block = MultiHeadAttention(12, 3, dropout=0.5)
    block.initialize(mx.init.Normal(0.5))
    x = mx.nd.array(TEXT)
    np.testing.assert_array_equal(block(x).asnumpy(), block(x).asnumpy())
    with mx.autograd.record():
        first, second = block(x).asnumpy(), block(x).asnumpy()
    assert not np.array_equal(first, second)


def test_impossible_attention_is_refused() -> None:
    with pytest.raises(ValueError, match="12 units do not divide into 5 heads"):
        MultiHeadAttention(12, 5)
    with pytest.raises(ValueError, match="fused form is scaled self-attention with biases"):
        MultiHeadAttention(12, 3, memory_units=7, fused=True)


def test_new_tokens_attend_to_earlier_ones_that_were_kept() -> None:
    block = MultiHeadAttention(12, 3)
    block.initialize(mx.init.Normal(0.5))
    x, causal = mx.nd.array(TEXT), causal_bias(mx.nd, mx.nd.zeros((2, 5)))
    whole = block(x, causal).asnumpy()
    first, kept = block.step(x[:, :3], causal[:, :, :3, :3], None)
    np.testing.assert_allclose(first.asnumpy(), whole[:, :3], rtol=1e-4, atol=1e-5)
    second, kept = block.step(x[:, 3:], causal[:, :, 3:], kept)
    np.testing.assert_allclose(second.asnumpy(), whole[:, 3:], rtol=1e-4, atol=1e-5)
    assert kept[0].shape == kept[1].shape == (2, 3, 5, 4)


def test_split_attention_weighs_two_convolutions_by_shares_of_one() -> None:
    block = SplitAttention(4, norm=BatchNorm)
    block.initialize(mx.init.Normal(1))
    x = mx.nd.random.normal(shape=(2, 4, 5, 5))
    first, second = (half.asnumpy() for half in mx.nd.split(block.conv(x), 2, axis=1))
    means = mx.nd.array((first + second).mean((2, 3), keepdims=True))
    scores = block.excite(block.squeeze(means)).asnumpy().reshape(2, 2, 4, 1, 1)
    shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    expected = shares[:, 0] * first + shares[:, 1] * second
    np.testing.assert_allclose(block(x).asnumpy(), expected, rtol=1e-4, atol=1e-4)
