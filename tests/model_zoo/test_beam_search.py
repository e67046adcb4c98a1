from __future__ import annotations

import itertools
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo.beam_search import beam_search
from toolkit.model_zoo.generation import log_softmax

WORDS, END, LONGEST = 4, 3, 4
TABLE = np.random.default_rng(5).normal(0, 2, (WORDS, WORDS, WORDS))


class Pairs:
    """Scores the next word by the last two; states hold the last but one."""

    def step(self, tokens: mx.nd.NDArray, states: Any) -> tuple[mx.nd.NDArray, Any]:
        read = tokens.asnumpy().astype(int)
        before = read[:, -2] if states is None else states[0][0].asnumpy().astype(int)[:, 0]
        last = read[:, -1]
        return mx.nd.array(TABLE[before, last]), [(mx.nd.array(last[:, None]),) * 2]


def every_text(power: float) -> list[tuple[float, tuple[int, ...]]]:
    """All texts up to the longest with their scores, best first."""
    found = []
    for length in range(1, LONGEST + 1):
        for text in itertools.product(range(WORDS), repeat=length):
            ends = [place for place, word in enumerate(text) if word == END]
            if (ends and ends != [length - 1]) or (not ends and length < LONGEST):
                continue
            whole, total = (0, 1, *text), 0.0
            for place, word in enumerate(text):
                total += float(log_softmax(TABLE[whole[place], whole[place + 1]])[word])
            found.append((total / length**power, text))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("power", [0.0, 0.6, 1.0])
def test_a_wide_beam_finds_the_best_of_all_texts(power: float) -> None:
    expected = every_text(power)[:5]
    found = beam_search(
        Pairs(), [0, 1], end=END, width=200, max_tokens=LONGEST, length_penalty=power
    )
    for candidate, (score, text) in zip(found, expected, strict=False):
        assert candidate.tokens == text
        assert candidate.score == pytest.approx(score, abs=1e-5)
        assert candidate.ended == (text[-1] == END)


def test_a_narrow_beam_finds_no_better_than_all_texts() -> None:
    best = every_text(1.0)[0][0]
    for width in (1, 2, 3):
        found = beam_search(Pairs(), [0, 1], end=END, width=width, max_tokens=LONGEST)
        assert found[0].score <= best + 1e-5
    wide = beam_search(Pairs(), [0, 1], end=END, width=20, max_tokens=LONGEST)
    assert wide[0].score >= found[0].score


class EndsLate:
    """After the first word, whose scores are given, the end is all but certain."""

    def step(self, tokens: mx.nd.NDArray, states: Any) -> tuple[mx.nd.NDArray, Any]:
        later = np.where(np.arange(WORDS) == END, 0.0, -30.0)
        row = np.log([0.5, 0.3, 0.05, 0.15]) if states is None else later
        scores = mx.nd.array(np.tile(row, (len(tokens), 1)))
        return scores, [(mx.nd.zeros((len(tokens), 1)),) * 2]


def test_an_end_that_is_worse_than_a_whole_beam_is_dropped() -> None:
    """The third best of the first words is in no beam of two; transformers has it so, too."""
    options = {"end": END, "max_tokens": 3, "length_penalty": 0.0}
    found = beam_search(EndsLate(), [0], width=2, **options)
    assert [candidate.tokens for candidate in found] == [(0, END), (1, END)]
    found = beam_search(EndsLate(), [0], width=3, **options)
    assert [candidate.tokens for candidate in found] == [(0, END), (1, END), (END,)]


def test_candidates_come_best_first_and_as_many_as_asked() -> None:
    found = beam_search(Pairs(), [0, 1], end=END, width=3, max_tokens=8)
    assert len(found) == 3
    scores = [candidate.score for candidate in found]
    assert scores == sorted(scores, reverse=True)
    assert len({candidate.tokens for candidate in found}) == 3


def test_a_beam_needs_a_beginning_and_a_width() -> None:
    with pytest.raises(ValueError, match="needs a beginning and a width above 0"):
        beam_search(Pairs(), [], end=END)
    with pytest.raises(ValueError, match="needs a beginning and a width above 0"):
        beam_search(Pairs(), [0, 1], end=END, width=0)
