from __future__ import annotations

import numpy as np
import pytest

from toolkit.model_zoo.tasks.answer_spans import Scores, best_spans

# Tokens: [CLS] question [SEP] context x 5 [SEP], the context from place 10 on.
PLACES = np.array([-1, -1, -1, 10, 11, 12, 13, 14, -1])


def scores(starts: dict[int, float], ends: dict[int, float], central: bool = True) -> Scores:
    """Scores by the index of a token; all others -5."""
    arrays = [np.full(9, -5.0), np.full(9, -5.0)]
    for array, given in zip(arrays, (starts, ends), strict=True):
        for index, value in given.items():
            array[index] = value
    return Scores(*arrays, PLACES, np.full(9, central))


def test_the_best_span_is_of_the_best_start_and_end() -> None:
    spans, none = best_spans([scores({4: 3.0, 5: 1.0}, {6: 2.0, 7: 1.5})], count=4)
    assert [(s.first, s.last, s.score) for s in spans[:3]] == [
        (11, 13, 5.0),
        (11, 14, 4.5),
        (12, 13, 3.0),
    ]
    assert none == -10.0
    assert sum(s.prob for s in spans) == pytest.approx(1)
    assert spans[0].prob / spans[1].prob == pytest.approx(np.exp(0.5))


def test_question_and_special_tokens_answer_nothing() -> None:
    spans, none = best_spans([scores({0: 9.0, 1: 8.0, 4: 1.0}, {0: 9.0, 4: 1.0, 8: 7.0})])
    assert (spans[0].first, spans[0].last) == (11, 11)
    assert none == 18.0


def test_answers_run_forward_and_are_not_too_long() -> None:
    spans, _ = best_spans([scores({7: 9.0, 3: 4.0}, {3: 9.0, 7: 4.0})], max_tokens=4)
    assert all(s.first <= s.last < s.first + 4 for s in spans)
    assert (spans[0].first, spans[0].last, spans[0].score) == (10, 10, 13.0)


def test_an_answer_counts_in_the_window_that_shows_most_around_it() -> None:
    elsewhere = scores({4: 9.0}, {4: 9.0}, central=False)
    spans, _ = best_spans([elsewhere, scores({5: 1.0}, {5: 1.0})])
    assert (spans[0].first, spans[0].last) == (12, 12)


def test_no_answer_is_as_good_as_in_the_least_sure_window() -> None:
    sure, unsure = scores({0: 5.0}, {0: 5.0}), scores({0: 1.0}, {0: 2.0})
    assert best_spans([sure, unsure])[1] == 3.0
    with pytest.raises(ValueError, match="without windows"):
        best_spans([])
