from __future__ import annotations

from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.deploy import export, load
from toolkit.model_zoo.text.text_lstm import TextLSTM, TextLSTMConfig
from toolkit.nn import MODES, POOLS

TEXTS = np.random.default_rng(0).integers(0, 20, (3, 7)).astype("float32")
LENGTHS = np.array([7, 3, 1], "float32")


def build(**options: Any) -> TextLSTM:
    mx.random.seed(0)
    np.random.seed(0)
    net = TextLSTM(TextLSTMConfig(20, 4, **{"units": 6, "hidden": 5, **options}))
    net.initialize(mx.init.Normal(0.5))
    return net


def scores(net: Any, texts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    result: np.ndarray = net(mx.nd.array(texts), mx.nd.array(lengths)).asnumpy()
    return result


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("mode", MODES)
def test_what_is_beyond_the_length_changes_nothing(mode: str, pool: str) -> None:
    net = build(mode=mode, pool=pool, word_dropout=0.1)
    expected = scores(net, TEXTS, LENGTHS)
    assert expected.shape == (3, 4)
    other = np.pad(TEXTS, ((0, 0), (0, 4)), constant_values=11)
    other[1, 3:] = 12
    np.testing.assert_allclose(scores(net, other, LENGTHS), expected, rtol=1e-5, atol=1e-6)
    net.hybridize()
    np.testing.assert_allclose(scores(net, TEXTS, LENGTHS), expected, rtol=1e-5, atol=1e-6)
    alone = scores(net, TEXTS[1:2, :3], LENGTHS[1:2])
    np.testing.assert_allclose(alone, expected[1:2], rtol=1e-5, atol=1e-6)
    assert np.abs(scores(net, TEXTS, LENGTHS + np.float32([0, 1, 0]))[1] - expected[1]).max() > 1e-3


def test_the_order_of_words_counts() -> None:
    net = build()
    other = TEXTS.copy()
    other[0] = other[0][::-1]
    assert np.abs(scores(net, other, LENGTHS) - scores(net, TEXTS, LENGTHS))[0].max() > 1e-3


def test_training_reaches_the_first_word_from_every_layer() -> None:
    net = build(layers=2, dropout=0.0)
    net.hybridize()
    with mx.autograd.record():
        loss = net(mx.nd.array(TEXTS), mx.nd.array(LENGTHS)).square().sum()
    loss.backward()
    for name, param in net.collect_params().items():
        assert param.grad().asnumpy().any(), name


@pytest.mark.parametrize("pool", POOLS)
def test_an_exported_one_gives_the_same(pool: str, tmp_path: Path) -> None:
    net = build(pool=pool)
    expected = scores(net, TEXTS, LENGTHS)
    manifest = export(net, tmp_path / "net", (TEXTS, LENGTHS))
    again = load(manifest)
    (found,) = again(TEXTS, LENGTHS)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_an_unknown_pool_is_refused() -> None:
    with pytest.raises(ValueError, match="attention"):
        build(pool="atention")
