"""Attention over places and over channels, against its definition."""

from __future__ import annotations

from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.model_zoo.tasks.dual_attention import (
    ChannelAttention,
    DualAttentionHead,
    PlaceAttention,
)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.fixture
def x() -> mx.nd.NDArray:
    return mx.nd.array(np.random.default_rng(0).normal(size=(2, 16, 3, 5)))


@pytest.mark.parametrize("attention", [PlaceAttention(16), ChannelAttention()])
def test_it_begins_as_an_identity(attention: HybridBlock, x: mx.nd.NDArray) -> None:
    attention.initialize()
    np.testing.assert_array_equal(attention(x).asnumpy(), x.asnumpy())


def test_cells_get_what_cells_like_them_hold(x: mx.nd.NDArray) -> None:
    net = PlaceAttention(16)
    net.initialize(mx.init.Normal(0.5))
    net.gain.set_data(mx.nd.array([0.5]))
    query, key, value = (
        conv(x).asnumpy().reshape(2, -1, 15) for conv in (net.query, net.key, net.value)
    )
    weights = softmax(np.einsum("nci,ncj->nij", query, key))
    found = np.einsum("nij,ncj->nci", weights, value).reshape(x.shape)
    np.testing.assert_allclose(net(x).asnumpy(), x.asnumpy() + 0.5 * found, atol=1e-5)


def test_channels_get_what_channels_unlike_them_hold(x: mx.nd.NDArray) -> None:
    net = ChannelAttention()
    net.initialize()
    net.gain.set_data(mx.nd.array([0.5]))
    rows = x.asnumpy().reshape(2, 16, 15)
    energy = np.einsum("nci,ndi->ncd", rows, rows)
    found = (softmax(energy.max(-1, keepdims=True) - energy) @ rows).reshape(x.shape)
    np.testing.assert_allclose(net(x).asnumpy(), x.asnumpy() + 0.5 * found, atol=1e-5)


def test_the_head_scores_both_together_and_each_alone(x: mx.nd.NDArray) -> None:
    net = DualAttentionHead(SimpleNamespace(channels=(8, 32)), 4)
    net.initialize()
    scores = net(x, mx.nd.random.normal(shape=(2, 32, 3, 5)))
    assert [s.shape for s in scores] == [(2, 4, 3, 5)] * 3
