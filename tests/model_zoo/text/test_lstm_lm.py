from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import generate, get_arrays, get_model, model_info
from toolkit.model_zoo.beam_search import beam_search
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.text.lstm_lm import AWD, BIG, STANDARD, LSTMConfig, Words
from toolkit.utils.checkpoints import write_params
from toolkit.utils.testing import assert_is_text_encoder

SMALL: dict[str, dict[str, Any]] = {
    "standard_lstm_lm_200": {"embedding_units": 8, "hidden": (8, 8)},
    "awd_lstm_lm_600": {"embedding_units": 6, "hidden": (9, 9, 6)},
    "big_rnn_lm_2048_512": {"embedding_units": 6, "hidden": (9,), "projection": 5},
}
TEXTS = np.random.default_rng(0).integers(0, 60, (2, 7))


def build(name: str, **options: Any) -> mx.gluon.HybridBlock:
    mx.random.seed(0)
    net = get_model(name, vocab_size=60, **SMALL[name], **options)
    net.initialize(mx.init.Normal(0.4))
    return net


def read(net: mx.gluon.HybridBlock, texts: np.ndarray) -> np.ndarray:
    tokens = mx.nd.array(texts, dtype="int32")
    lengths = mx.nd.array([texts.shape[1]] * len(texts), dtype="int32")
    scores: np.ndarray = net(tokens, mx.nd.zeros_like(tokens), lengths).asnumpy()
    return scores


@pytest.mark.parametrize("name", SMALL)
def test_it_is_a_text_encoder(name: str) -> None:
    assert_is_text_encoder(partial(BACKBONES.create, name, vocab_size=60, **SMALL[name]))


@pytest.mark.parametrize("name", [*STANDARD, *AWD, *BIG])
def test_every_variant_is_published(name: str) -> None:
    info = model_info(name)
    assert info.task == "causal_language_model"
    dataset = "gbw" if name in BIG else "wikitext-2"
    assert info.entry(dataset).metrics["perplexity"] > 40


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("standard_lstm_lm_200", 7.3),
        ("standard_lstm_lm_650", 28.4),
        ("awd_lstm_lm_1150", 33.6),
        ("big_rnn_lm_2048_512", 822.8),
    ],
)
def test_sizes_are_the_published_ones(name: str, millions: float) -> None:
    net = get_model(name)
    params = {id(param): param for param in net.collect_params().values()}
    count = sum(np.prod(param.shape) for param in params.values())
    assert count / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("cuts", [[7], [1] * 7, [3, 2, 1, 1]])
def test_reading_step_by_step_gives_the_same(name: str, cuts: list[int]) -> None:
    net = build(name)
    net.hybridize()
    scores = read(net, TEXTS)
    states, place = None, 0
    for count in cuts:
        part = mx.nd.array(TEXTS[:, place : place + count], dtype="int32")
        every, _ = net.read(part, states)
        found, states = net.step(part, states)
        np.testing.assert_allclose(
            every.asnumpy(), scores[:, place : place + count], rtol=1e-4, atol=1e-5
        )
        place += count
        np.testing.assert_allclose(found.asnumpy(), scores[:, place - 1], rtol=1e-4, atol=1e-5)
    assert states is not None
    assert [[part.shape[0] for part in pair] for pair in states] == [[2, 2]] * len(
        SMALL[name]["hidden"]
    )


def test_no_token_sees_a_later_one() -> None:
    net = build("awd_lstm_lm_600")
    other = TEXTS.copy()
    other[:, 4:] = (other[:, 4:] + 1) % 60
    changed = (read(net, other) != read(net, TEXTS)).any(axis=(0, 2))
    assert list(changed) == [False] * 4 + [True] * 3


def test_it_writes_texts_by_chance_and_by_beam() -> None:
    net = build("standard_lstm_lm_200")
    kept, anew = (generate(net, TEXTS, max_tokens=5, cached=cached) for cached in (True, False))
    np.testing.assert_array_equal(kept, anew)
    best = beam_search(net, TEXTS[0], end=59, width=3, max_tokens=5)
    assert len(best) == 3


def test_texts_are_classified_by_their_last_word() -> None:
    net = build("awd_lstm_lm_600", task="text_classifier", classes=3)
    tokens, lengths = mx.nd.array(TEXTS), mx.nd.array([7, 4])
    scores = net(tokens, mx.nd.zeros_like(tokens), lengths).asnumpy()
    tokens[1, 4:] = 1
    np.testing.assert_array_equal(net(tokens, mx.nd.zeros_like(tokens), lengths).asnumpy(), scores)
    tokens[1, 3] = 1
    found = net(tokens, mx.nd.zeros_like(tokens), lengths).asnumpy()
    assert list((found != scores).any(axis=1)) == [False, True]


def test_a_table_of_other_units_cannot_score() -> None:
    with pytest.raises(ValueError, match=r"words of 4 units cannot score 8 units; tied=False"):
        LSTMConfig(4, (8,))
    assert LSTMConfig(4, (8,), tied=False).units == 8


@pytest.mark.parametrize("name", SMALL)
def test_the_table_of_words_scores_the_next_one_where_it_is_tied(name: str) -> None:
    net = build(name)
    assert (net.decoder.weight is net.encoder.tokens.weight) == (name not in BIG)
    assert net.decoder.bias.shape == (60,)


def test_words_are_left_out_wherever_they_stand() -> None:
    words = Words(50, 4, dropout=0.5)
    words.initialize(mx.init.One())
    tokens = mx.nd.array(np.tile(np.arange(50), (2, 1)))
    with mx.autograd.train_mode():
        found = words(tokens).asnumpy()
    assert set(np.unique(found)) == {0.0, 2.0}  # those that stay make up for those that go
    np.testing.assert_array_equal(found, np.broadcast_to(found[:1, :, :1], found.shape))
    np.testing.assert_array_equal(words(tokens).asnumpy(), 1)


def test_dropout_is_locked_over_the_words_of_a_text() -> None:
    masks = {}
    for name in ("awd_lstm_lm_600", "standard_lstm_lm_200"):
        options = {"dropout": 0.5, "layer_dropout": 0.0, "input_dropout": 0.0}
        net = build(name, **options)
        with mx.autograd.train_mode():
            features, _ = net.encoder.step(mx.nd.array(TEXTS))
        masks[name] = features.asnumpy() == 0
    locked, free = masks["awd_lstm_lm_600"], masks["standard_lstm_lm_200"]
    np.testing.assert_array_equal(locked, np.broadcast_to(locked[:, :1], locked.shape))
    assert 0 < locked.mean() < 1
    assert (free != free[:, :1]).any()


def test_training_leaves_out_and_inference_does_not() -> None:
    net = build("awd_lstm_lm_600", dropout=0.0, layer_dropout=0.0, input_dropout=0.0)
    tokens = mx.nd.array(TEXTS)
    resting = net.read(tokens)[0].asnumpy()
    np.testing.assert_array_equal(net.read(tokens)[0].asnumpy(), resting)
    with mx.autograd.record():  # words and weights between states
        scores, _ = net.read(tokens)
        scores.square().sum().backward()
    assert np.abs(scores.asnumpy() - resting).max() > 1e-3
    for name, param in net.collect_params().items():
        assert param.grad().asnumpy().any(), name


@pytest.mark.parametrize(
    ("name", "key", "shape"),
    [
        ("standard_lstm_lm_200", "encoder._unfused.1.h2h_weight", (32, 8)),
        ("awd_lstm_lm_600", "encoder.2._unfused.0.i2h_weight", (24, 9)),
        ("big_rnn_lm_2048_512", "encoder.0.h2r_weight", (5, 9)),
    ],
)
def test_gluonnlps_names_are_read(
    name: str, key: str, shape: tuple[int, int], tmp_path: Path
) -> None:
    net = build(name)
    (table,) = net.info.renames
    theirs = {str(table.to_foreign(ours)): value for ours, value in get_arrays(net).items()}
    if name not in BIG:
        theirs["decoder.0.weight"] = theirs["embedding.0.weight"]  # the same a second time
    assert theirs[key].shape == shape
    write_params(tmp_path / "theirs.params", theirs)
    again = get_model(name, tmp_path / "theirs.params", vocab_size=60, **SMALL[name])
    np.testing.assert_array_equal(read(again, TEXTS), read(net, TEXTS))
