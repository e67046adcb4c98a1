from __future__ import annotations

import itertools
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from toolkit.model_zoo.batch_beam import LengthPenalty, batch_beam_search
from toolkit.model_zoo.generation import generate, log_softmax

WORDS, END, LONGEST = 4, 3, 4
TABLE = np.random.default_rng(5).normal(0, 2, (WORDS, WORDS, WORDS))
STARTS = [[0, 1], [2, 0], [1, 1]]


class Pairs:
    """Scores the next word by the last two; states hold the last but one. Counts its rows."""

    def __init__(self) -> None:
        self.rows: list[int] = []

    def step(self, tokens: mx.nd.NDArray, states: Any) -> tuple[mx.nd.NDArray, Any]:
        read = tokens.asnumpy().astype(int)
        before = read[:, -2] if states is None else states[0][0].asnumpy().astype(int)[:, 0]
        last = read[:, -1]
        self.rows.append(len(last))
        return mx.nd.array(TABLE[before, last]), [(mx.nd.array(last[:, None]),) * 2]


def every_text(start: list[int], penalty: LengthPenalty) -> list[tuple[float, tuple[int, ...]]]:
    """All texts up to the longest with their scores, best first."""
    found = []
    for length in range(1, LONGEST + 1):
        for text in itertools.product(range(WORDS), repeat=length):
            ends = [place for place, word in enumerate(text) if word == END]
            if (ends and ends != [length - 1]) or (not ends and length < LONGEST):
                continue
            whole, total = (*start, *text), 0.0
            for place, word in enumerate(text):
                total += float(log_softmax(TABLE[whole[place], whole[place + 1]])[word])
            found.append((total / penalty(length), text))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("penalty", [LengthPenalty(), LengthPenalty(0), LengthPenalty(0.6, 2.0)])
def test_a_wide_beam_finds_the_best_of_all_texts_of_each_source(penalty: LengthPenalty) -> None:
    found = batch_beam_search(
        Pairs(), STARTS, end=END, width=200, max_tokens=LONGEST, penalty=penalty
    )
    assert len(found) == len(STARTS)
    for start, beam in zip(STARTS, found, strict=True):
        for candidate, (score, text) in zip(beam[:5], every_text(start, penalty), strict=False):
            assert candidate.tokens == text
            assert candidate.score == pytest.approx(score, abs=1e-5)
            assert candidate.ended == (text[-1] == END)


def test_sources_do_not_touch_each_other() -> None:
    options: dict[str, Any] = {"end": END, "width": 2, "max_tokens": 9}
    together = batch_beam_search(Pairs(), STARTS, **options)
    for start, beam in zip(STARTS, together, strict=True):
        (alone,) = batch_beam_search(Pairs(), [start], **options)
        assert [one.tokens for one in alone] == [one.tokens for one in beam]


def test_texts_that_have_ended_cost_nothing() -> None:
    net = Pairs()
    batch_beam_search(net, STARTS, end=END, width=3, max_tokens=30)
    assert net.rows[0] == 3
    assert max(net.rows) <= 9
    assert net.rows[-1] < max(net.rows)


def test_a_beam_of_one_takes_the_likeliest_words() -> None:
    found = batch_beam_search(Pairs(), STARTS, end=END, width=1, max_tokens=6)
    greedy = generate(Pairs(), STARTS, max_tokens=6, end=END)
    for (candidate,), row in zip(found, greedy.tolist(), strict=True):
        assert list(candidate.tokens) == row[: len(candidate.tokens)]


def test_an_early_end_is_pushed_out_by_better_texts() -> None:
    """Ended texts keep their places among open ones, and lose them."""

    class EndsLate:
        def step(self, tokens: mx.nd.NDArray, states: Any) -> tuple[mx.nd.NDArray, Any]:
            later = np.where(np.arange(WORDS) == 0, 0.0, -30.0)
            row = np.log([0.5, 0.05, 0.05, 0.4]) if states is None else later
            scores = mx.nd.array(np.tile(row, (len(tokens), 1)))
            return scores, [(mx.nd.zeros((len(tokens), 1)),) * 2]

    options: dict[str, Any] = {"end": END, "width": 1, "max_tokens": 3}
    ((best,),) = batch_beam_search(EndsLate(), [[0]], **options)
    assert best.tokens == (0, 0, 0)
    beam = batch_beam_search(EndsLate(), [[0]], **{**options, "width": 2})[0]
    assert [one.tokens for one in beam] == [(0, 0, 0), (END,)]
    assert beam[0].score == pytest.approx(np.log(0.5) / LengthPenalty()(3), abs=1e-6)


def test_the_penalty_is_the_papers() -> None:
    assert LengthPenalty(0.6)(7) == pytest.approx((12 / 6) ** 0.6)
    assert LengthPenalty()(1) == 1
    with pytest.raises(ValueError, match="offset must be above -1, got -1"):
        LengthPenalty(offset=-1)


@pytest.mark.parametrize("wrong", [{"tokens": []}, {"width": 0}, {"max_tokens": 0}])
def test_beams_need_beginnings_and_widths(wrong: dict[str, Any]) -> None:
    given = {"tokens": STARTS, "end": END, **wrong}
    with pytest.raises(ValueError, match="beams need beginnings"):
        batch_beam_search(Pairs(), given.pop("tokens"), **given)
