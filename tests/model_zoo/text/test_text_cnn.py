from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo.text.text_cnn import TextCNNConfig
from toolkit.nn import MODES


@pytest.mark.parametrize("mode", MODES)
def test_eager_equals_hybridized(word_kit: Any, mode: str) -> None:
    net = word_kit.build("cnn", mode=mode, word_dropout=0.1)
    eager = word_kit.scores(net, word_kit.texts, word_kit.lengths)
    assert eager.shape == (3, 4)
    net.hybridize()
    np.testing.assert_allclose(
        word_kit.scores(net, word_kit.texts, word_kit.lengths), eager, rtol=1e-5, atol=1e-6
    )


def test_features_are_those_of_the_paper(word_kit: Any) -> None:
    net = word_kit.build("cnn", widths=(2,))
    words = net.words.tables[0].weight.data().asnumpy()[word_kit.texts[1, :3].astype(int)]
    conv = net.matches[0].conv
    weight, bias = conv.weight.data().asnumpy(), conv.bias.data().asnumpy()
    padded = np.pad(words, ((1, 1), (0, 0)))  # a window of two hangs over each end by one
    windows = np.stack([padded[i : i + 2].T for i in range(4)])
    answers = np.maximum(np.einsum("wut,cut->wc", windows, weight) + bias, 0).max(0)
    head = net.head.weight.data().asnumpy()
    expected = head @ answers + net.head.bias.data().asnumpy()
    np.testing.assert_allclose(
        word_kit.scores(net, word_kit.texts, word_kit.lengths)[1], expected, rtol=1e-4, atol=1e-5
    )


def test_each_pool_sees_every_window(word_kit: Any) -> None:
    net = word_kit.build("cnn", widths=(2,), pools=("max", "mean"))
    words = net.words.tables[0].weight.data().asnumpy()[word_kit.texts[1, :3].astype(int)]
    conv = net.matches[0].conv
    padded = np.pad(words, ((1, 1), (0, 0)))
    windows = np.stack([padded[i : i + 2].T for i in range(4)])  # one more than there are words
    answers = np.einsum("wut,cut->wc", windows, conv.weight.data().asnumpy())
    answers = np.maximum(answers + conv.bias.data().asnumpy(), 0)
    features = np.concatenate([answers.max(0), answers.mean(0)])
    expected = net.head.weight.data().asnumpy() @ features + net.head.bias.data().asnumpy()
    found = word_kit.scores(net, word_kit.texts, word_kit.lengths)[1]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "options", [{}, {"mode": "multichannel"}, {"pools": ("max", "sum")}], ids=str
)
def test_what_is_beyond_the_length_changes_nothing(word_kit: Any, options: dict[str, Any]) -> None:
    net = word_kit.build("cnn", **options)
    for match in net.matches:  # filters that answer to nothing at all
        match.conv.bias.set_data(mx.nd.ones(5))
    expected = word_kit.scores(net, word_kit.texts, word_kit.lengths)
    other = np.pad(word_kit.texts, ((0, 0), (0, 4)), constant_values=11)
    other[1, 3:] = 12
    np.testing.assert_allclose(
        word_kit.scores(net, other, word_kit.lengths), expected, rtol=1e-5, atol=1e-6
    )
    alone = word_kit.scores(net, word_kit.texts[1:2, :3], word_kit.lengths[1:2])
    np.testing.assert_allclose(alone, expected[1:2], rtol=1e-5, atol=1e-6)
    assert (
        np.abs(
            word_kit.scores(net, word_kit.texts, word_kit.lengths + np.float32([0, 1, 0]))[1]
            - expected[1]
        ).max()
        > 1e-3
    )


def test_words_are_left_out_in_training_alone(word_kit: Any) -> None:
    net = word_kit.build("cnn", word_dropout=0.5, dropout=0.0)
    expected = word_kit.scores(net, word_kit.texts, word_kit.lengths)
    np.testing.assert_array_equal(word_kit.scores(net, word_kit.texts, word_kit.lengths), expected)
    with mx.autograd.train_mode():
        assert (
            np.abs(word_kit.scores(net, word_kit.texts, word_kit.lengths) - expected).max() > 1e-3
        )


def test_bad_configurations_are_refused(word_kit: Any) -> None:
    with pytest.raises(ValueError, match="multichannel"):
        word_kit.build("cnn", mode="multichanel")
    with pytest.raises(ValueError, match="attention"):
        word_kit.build("cnn", pools=("atention",))
    with pytest.raises(ValueError, match="pools"):
        TextCNNConfig(20, 4, pools=())
    with pytest.raises(ValueError, match="widths"):
        TextCNNConfig(20, 4, widths=())
