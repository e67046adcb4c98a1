"""From the scores of starts and ends to answers: the best spans over all windows of a context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Span:
    """A piece of a context, by the places of its first and last token."""

    first: int
    last: int
    score: float  # of the start and the end together
    prob: float  # among the spans that were returned


@dataclass(frozen=True)
class Scores:
    """What a question answerer gives for one window, and where its tokens come from."""

    starts: np.ndarray  # (T,)
    ends: np.ndarray  # (T,)
    places: np.ndarray  # (T,): each token's place in the context; -1 outside it
    central: np.ndarray  # (T,): whether an answer may begin here, and not in another window


def best_spans(
    windows: Sequence[Scores], *, count: int = 20, max_tokens: int = 30
) -> tuple[list[Span], float]:
    """The best spans of all windows, best first, and the score of having no answer.

    Args:
        windows: Of one question.
        count: Most spans to return, and most starts and ends that each window offers.
        max_tokens: Longest answer.

    Returns:
        The spans, without doubles, and the least score that a window gives its first token as an
        answer: "no answer" is better than the best span where this is greater by a threshold.

    Raises:
        ValueError: there are no windows.
    """
    if not windows:
        raise ValueError("a question without windows has no answers")
    found: dict[tuple[int, int], float] = {}
    for window in windows:
        for first, last, score in _spans(window, count, max_tokens):
            found[first, last] = max(score, found.get((first, last), -np.inf))
    best = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:count]
    scores = np.array([score for _, score in best])
    probs = np.exp(scores - scores.max()) if len(scores) else scores
    probs = probs / probs.sum() if len(scores) else probs
    spans = [
        Span(first, last, float(score), float(prob))
        for ((first, last), score), prob in zip(best, probs, strict=True)
    ]
    return spans, float(min(window.starts[0] + window.ends[0] for window in windows))


def _spans(window: Scores, count: int, max_tokens: int) -> list[tuple[int, int, float]]:
    inside = window.places >= 0
    starts = _top(np.where(inside & window.central, window.starts, -np.inf), count)
    ends = _top(np.where(inside, window.ends, -np.inf), count)
    return [
        (
            int(window.places[start]),
            int(window.places[end]),
            float(window.starts[start] + window.ends[end]),
        )
        for start in starts
        for end in ends
        if start <= end < start + max_tokens
    ]


def _top(scores: np.ndarray, count: int) -> list[int]:
    order = np.argsort(-scores, kind="stable")[:count]
    return [int(index) for index in order if np.isfinite(scores[index])]
