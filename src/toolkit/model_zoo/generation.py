"""Writes texts word by word: the likeliest word, by chance, or the likeliest text of a beam.

A network is anything with ``step(tokens, states)``: it reads new tokens ``(N, T)`` after those
that ``states`` hold, None at first, and gives scores ``(N, vocab_size)`` of the next word and new
states, pairs of arrays whose first axis is N.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mxnet as mx
import numpy as np


@dataclass(frozen=True)
class Sampling:
    """How the next word is chosen; as it stands, always the likeliest.

    Raises:
        ValueError: a number that is out of its range.
    """

    temperature: float = 0.0  # of the softmax; 0 takes the likeliest word
    top_k: int = 0  # only so many of the likeliest words; 0 for all
    top_p: float = 1.0  # only the likeliest words that together have this probability
    repetition: float = 1.0  # above 1: words of the text so far are made less likely
    seed: int = 0

    def __post_init__(self) -> None:
        if self.temperature < 0 or self.top_k < 0 or not 0 < self.top_p <= 1:
            raise ValueError(
                "temperature and top_k must be at least 0 and top_p in (0, 1], "
                f"got {self.temperature}, {self.top_k}, {self.top_p}"
            )
        if self.repetition <= 0:
            raise ValueError(f"repetition must be above 0, got {self.repetition}")


def generate(
    net: Any,
    tokens: Any,
    *,
    max_tokens: int = 64,
    end: int | None = None,
    sampling: Sampling | None = None,
    cached: bool = True,
) -> np.ndarray:
    """Goes on with texts.

    Args:
        net: A network with ``step``.
        tokens: Ids ``(N, T)`` of the beginnings, all of one length.
        max_tokens: Most new words.
        end: Id that ends a text; after it the same id is repeated until all texts have ended.
        sampling: How words are chosen; default the likeliest.
        cached: Whether what was read is kept. Without, each word reads the whole text anew: the
            same texts, many times slower; for comparison.

    Returns:
        The new ids ``(N, up to max_tokens)``.

    Raises:
        ValueError: ``tokens`` is no matrix with a column, or ``max_tokens`` is below 1.
    """
    text = _beginnings(tokens, max_tokens)
    sampling = sampling or Sampling()
    rng = np.random.default_rng(sampling.seed)
    start, states, new = text.shape[1], None, text
    ended = np.zeros(len(text), bool)
    for _ in range(max_tokens):
        scores, states = net.step(mx.nd.array(new, dtype="int32"), states if cached else None)
        words = choose_words(scores.asnumpy(), text, sampling, rng)
        if end is not None:
            words = np.where(ended, end, words)
            ended |= words == end
        text = np.concatenate([text, words[:, None]], axis=1)
        new = text[:, -1:] if cached else text
        if ended.all() and end is not None:
            break
    return text[:, start:]


def _beginnings(tokens: Any, max_tokens: int) -> np.ndarray:
    text = np.asarray(tokens.asnumpy() if hasattr(tokens, "asnumpy") else tokens).astype(np.int64)
    if text.ndim != 2 or not text.size:
        raise ValueError(f"tokens must be (N, T) with at least one column, got shape {text.shape}")
    if max_tokens < 1:
        raise ValueError(f"max_tokens must be at least 1, got {max_tokens}")
    return text


def choose_words(
    scores: np.ndarray, text: np.ndarray, sampling: Sampling, rng: np.random.Generator
) -> np.ndarray:
    """The next word ``(N,)`` after each ``text`` ``(N, T)``, from scores ``(N, vocab_size)``.

    Repetition: Keskar et al., 2019, https://arxiv.org/abs/1909.05858. Top-p: Holtzman et al., 2019,
    https://arxiv.org/abs/1904.09751. Top-k: Fan et al., 2018, https://arxiv.org/abs/1805.04833.
    """
    scores = scores.astype(np.float64)
    if sampling.repetition != 1:
        seen = np.take_along_axis(scores, text, axis=1)
        less = np.where(seen > 0, seen / sampling.repetition, seen * sampling.repetition)
        np.put_along_axis(scores, text, less, axis=1)
    if sampling.temperature == 0:
        words: np.ndarray = scores.argmax(axis=1)
        return words
    order = np.argsort(-scores, axis=1, kind="stable")
    probs = np.exp(log_softmax(np.take_along_axis(scores, order, axis=1) / sampling.temperature))
    before = np.cumsum(probs, axis=1) - probs  # of the words that are likelier
    probs[before >= sampling.top_p] = 0
    if sampling.top_k:
        probs[:, sampling.top_k :] = 0
    sums = np.cumsum(probs, axis=1)
    chance = rng.random((len(scores), 1)) * sums[:, -1:]
    places = (sums <= chance).sum(axis=1, keepdims=True)
    return np.take_along_axis(order, places, axis=1)[:, 0]


def log_softmax(scores: np.ndarray) -> np.ndarray:
    """Logarithms of probabilities along the last axis."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    result: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result
