"""The likeliest text of a beam: several beginnings are kept and gone on with side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mxnet as mx
import numpy as np

from toolkit.model_zoo.generation import log_softmax


@dataclass(frozen=True)
class Candidate:
    """A text that a beam search found."""

    tokens: tuple[int, ...]  # the new ones, with the end where it came
    score: float  # sum of logarithms of probabilities over length to the power of the penalty
    ended: bool


def beam_search(
    net: Any,
    tokens: Any,
    *,
    end: int,
    width: int = 4,
    max_tokens: int = 64,
    length_penalty: float = 1.0,
) -> list[Candidate]:
    """Goes on with one text; the candidates, best first.

    The score of Wu et al., 2016, https://arxiv.org/abs/1609.08144, with the plain length in place
    of their formula: 0 favours short texts, 1 compares mean logarithms.

    Args:
        net: A network with ``step``, as ``generate`` takes it.
        tokens: Ids ``(T,)`` of the beginning.
        end: Id that ends a text.
        width: Beginnings that are kept, and candidates that are returned.
        max_tokens: Most new words.
        length_penalty: Power of the length.

    Raises:
        ValueError: no beginning, or a width below 1.
    """
    start = np.asarray(tokens).reshape(-1)
    if not len(start) or width < 1:
        raise ValueError(f"a beam needs a beginning and a width above 0, got {start}, {width}")
    texts: list[tuple[int, ...]] = [()]
    sums, done = np.zeros(1), []
    scores, states = net.step(mx.nd.array(start[None], dtype="int32"), None)
    for length in range(1, max_tokens + 1):
        total = sums[:, None] + log_softmax(scores.asnumpy().astype(np.float64))
        words = total.shape[1]
        best = np.argsort(-total, axis=None, kind="stable")[: 2 * width]
        rows: list[int] = []
        grown: list[tuple[int, ...]] = []
        values: list[float] = []
        for rank, place in enumerate(best):
            row, word = divmod(int(place), words)
            text, value = (*texts[row], word), float(total[row, word])
            if word == end:
                if rank < width:  # an end that is worse than a whole beam is none of its texts
                    done.append(Candidate(text, value / length**length_penalty, True))
            elif len(rows) < width and (rank < width or length < max_tokens):
                rows.append(row)
                grown.append(text)
                values.append(value)
        texts, sums = grown, np.array(values)
        if length == max_tokens or _is_settled(done, values, width, max_tokens, length_penalty):
            break
        states = reordered(states, rows)
        last = mx.nd.array([[text[-1]] for text in texts], dtype="int32")
        scores, states = net.step(last, states)
    done += [
        Candidate(text, value / len(text) ** length_penalty, False)
        for text, value in zip(texts, sums, strict=True)
    ]
    return sorted(done, key=lambda candidate: -candidate.score)[:width]


def _is_settled(
    done: list[Candidate], values: list[float], width: int, longest: int, power: float
) -> bool:
    """Whether no open text can overtake the candidates: sums only fall, lengths only grow."""
    if len(done) < width:
        return False
    worst = sorted((candidate.score for candidate in done), reverse=True)[width - 1]
    return max(values) / longest**power <= worst


def reordered(states: Any, rows: list[int]) -> Any:
    """States of a network for other rows: those whose numbers are given, in their order."""
    order = mx.nd.array(rows, dtype="int32")
    return [tuple(mx.nd.take(array, order, axis=0) for array in state) for state in states]
