from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo.text.text_cnn import TextCNN, TextCNNConfig
from toolkit.nn import MODES

TEXTS = np.random.default_rng(0).integers(0, 20, (3, 7)).astype("float32")
LENGTHS = np.array([7, 3, 1], "float32")


def build(**options: Any) -> TextCNN:
    mx.random.seed(0)
    np.random.seed(0)
    net = TextCNN(TextCNNConfig(20, 4, **{"units": 6, "channels": 5, **options}))
    net.initialize(mx.init.Normal(0.5))
    return net


def scores(net: TextCNN, texts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    result: np.ndarray = net(mx.nd.array(texts), mx.nd.array(lengths)).asnumpy()
    return result


@pytest.mark.parametrize("mode", MODES)
def test_eager_equals_hybridized(mode: str) -> None:
    net = build(mode=mode, word_dropout=0.1)
    eager = scores(net, TEXTS, LENGTHS)
    assert eager.shape == (3, 4)
    net.hybridize()
    np.testing.assert_allclose(scores(net, TEXTS, LENGTHS), eager, rtol=1e-5, atol=1e-6)


def test_features_are_those_of_the_paper() -> None:
    net = build(widths=(2,))
    words = net.words.tables[0].weight.data().asnumpy()[TEXTS[1, :3].astype(int)]
    conv = net.matches[0].conv
    weight, bias = conv.weight.data().asnumpy(), conv.bias.data().asnumpy()
    padded = np.pad(words, ((1, 1), (0, 0)))  # a window of two hangs over each end by one
    windows = np.stack([padded[i : i + 2].T for i in range(4)])
    answers = np.maximum(np.einsum("wut,cut->wc", windows, weight) + bias, 0).max(0)
    head = net.head.weight.data().asnumpy()
    expected = head @ answers + net.head.bias.data().asnumpy()
    np.testing.assert_allclose(scores(net, TEXTS, LENGTHS)[1], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mode", ["rand", "multichannel"])
def test_what_is_beyond_the_length_changes_nothing(mode: str) -> None:
    net = build(mode=mode)
    for match in net.matches:  # filters that answer to nothing at all
        match.conv.bias.set_data(mx.nd.ones(5))
    expected = scores(net, TEXTS, LENGTHS)
    other = np.pad(TEXTS, ((0, 0), (0, 4)), constant_values=11)
    other[1, 3:] = 12
    np.testing.assert_allclose(scores(net, other, LENGTHS), expected, rtol=1e-5, atol=1e-6)
    alone = scores(net, TEXTS[1:2, :3], LENGTHS[1:2])
    np.testing.assert_allclose(alone, expected[1:2], rtol=1e-5, atol=1e-6)
    assert np.abs(scores(net, TEXTS, LENGTHS + np.float32([0, 1, 0]))[1] - expected[1]).max() > 1e-3


def test_words_are_left_out_in_training_alone() -> None:
    net = build(word_dropout=0.5, dropout=0.0)
    expected = scores(net, TEXTS, LENGTHS)
    np.testing.assert_array_equal(scores(net, TEXTS, LENGTHS), expected)
    with mx.autograd.train_mode():
        assert np.abs(scores(net, TEXTS, LENGTHS) - expected).max() > 1e-3


def test_bad_configurations_are_refused() -> None:
    with pytest.raises(ValueError, match="multichannel"):
        build(mode="multichanel")
    with pytest.raises(ValueError, match="widths"):
        TextCNNConfig(20, 4, widths=())
