from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo import get_model
from toolkit.model_zoo.generation import Sampling, choose_words, generate, log_softmax

START = [[1, 2, 3], [4, 5, 6]]


@pytest.fixture(scope="module")
def net() -> mx.gluon.HybridBlock:
    mx.random.seed(3)
    net = get_model("gpt2_117m", layers=2, units=16, heads=2, vocab_size=40, max_length=40)
    net.initialize(mx.init.Normal(0.5))
    return net


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(),
        Sampling(repetition=1.5),
        Sampling(temperature=0.8, seed=1),
        Sampling(temperature=1.0, top_k=5, top_p=0.9, seed=2),
    ],
)
def test_the_cache_changes_no_word(net: mx.gluon.HybridBlock, sampling: Sampling) -> None:
    cached = generate(net, START, max_tokens=30, sampling=sampling)
    whole = generate(net, START, max_tokens=30, sampling=sampling, cached=False)
    np.testing.assert_array_equal(cached, whole)
    assert cached.shape == (2, 30)
    assert len(set(cached.ravel())) > 3


def test_without_more_the_likeliest_word_is_taken(net: mx.gluon.HybridBlock) -> None:
    (first, second) = generate(net, START[:1], max_tokens=2)[0]
    scores, _ = net.step(mx.nd.array(START[:1]))
    assert first == scores.asnumpy()[0].argmax()
    scores, _ = net.step(mx.nd.array([[*START[0], first]]))
    assert second == scores.asnumpy()[0].argmax()


class Counter:
    """Says that after each word comes the next number; states hold what was read."""

    def step(self, tokens: mx.nd.NDArray, states: Any) -> tuple[mx.nd.NDArray, Any]:
        return mx.nd.one_hot((tokens[:, -1] + 1) % 8, 8), states


def test_each_text_ends_at_its_end() -> None:
    found = generate(Counter(), [[2], [4]], max_tokens=6, end=5)
    np.testing.assert_array_equal(found, [[3, 4, 5], [5, 5, 5]])


SCORES = np.log(np.array([[0.5, 0.25, 0.15, 0.1]]))


def shares(sampling: Sampling, text: list[int] | None = None) -> np.ndarray:
    """How often each word is chosen."""
    rng = np.random.default_rng(0)
    rows = np.repeat(SCORES, 20000, axis=0)
    texts = np.repeat([text or [0]], 20000, axis=0)
    return np.bincount(choose_words(rows, texts, sampling, rng), minlength=4) / 20000


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (Sampling(temperature=1), [0.5, 0.25, 0.15, 0.1]),
        (Sampling(temperature=0.5), np.array([25, 6.25, 2.25, 1]) / 34.5),
        (Sampling(temperature=1, top_k=2), [2 / 3, 1 / 3, 0, 0]),
        (Sampling(temperature=1, top_p=0.6), [2 / 3, 1 / 3, 0, 0]),
        (Sampling(temperature=1, top_p=0.5), [1, 0, 0, 0]),
        (Sampling(temperature=1, top_p=0.8), np.array([50, 25, 15, 0]) / 90),
        (Sampling(), [1, 0, 0, 0]),
    ],
)
def test_words_are_chosen_by_their_probability(sampling: Sampling, expected: Any) -> None:
    np.testing.assert_allclose(shares(sampling), expected, atol=0.015)


def test_repeated_words_become_less_likely_whatever_their_sign() -> None:
    rng = np.random.default_rng(0)
    scores = np.array([[2.0, 1.5, -1.0, -1.2]])
    once = Sampling(repetition=2)
    assert choose_words(scores, np.array([[0]]), once, rng)[0] == 1
    assert choose_words(scores, np.array([[0, 1]]), once, rng)[0] == 0
    assert choose_words(scores[:, 2:], np.array([[0]]), once, rng)[0] == 1


def test_a_seed_repeats_a_text(net: mx.gluon.HybridBlock) -> None:
    texts = [
        generate(net, START, max_tokens=10, sampling=Sampling(temperature=2, seed=seed)).tolist()
        for seed in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_wrong_requests_are_refused(net: mx.gluon.HybridBlock) -> None:
    with pytest.raises(ValueError, match=r"at least one column, got shape \(3,\)"):
        generate(net, [1, 2, 3])
    with pytest.raises(ValueError, match="max_tokens must be at least 1, got 0"):
        generate(net, START, max_tokens=0)
    with pytest.raises(ValueError, match=r"top_p in \(0, 1\], got 0.0, 0, 1.5"):
        Sampling(top_p=1.5)
    with pytest.raises(ValueError, match="repetition must be above 0, got 0"):
        Sampling(repetition=0)


def test_log_softmax_is_safe_with_large_scores() -> None:
    found = log_softmax(np.array([1e4, 1e4, -1e4]))
    np.testing.assert_allclose(found[:2], np.log([0.5, 0.5]))
