from __future__ import annotations

import numpy as np
import pytest

from toolkit.data.text.windows import question_windows

OPTIONS = {"first": 101, "separator": 102}


def test_a_short_context_is_one_window() -> None:
    (window,) = question_windows([1, 2], [5, 6, 7], length=20, **OPTIONS)
    np.testing.assert_array_equal(window.tokens, [101, 1, 2, 102, 5, 6, 7, 102])
    np.testing.assert_array_equal(window.segments, [0, 0, 0, 0, 1, 1, 1, 1])
    np.testing.assert_array_equal(window.places, [-1, -1, -1, -1, 0, 1, 2, -1])
    np.testing.assert_array_equal(window.central, window.places >= 0)


def test_two_separators_stand_between_where_they_are_asked_for() -> None:
    options = {**OPTIONS, "between": 2}
    first, second = question_windows([1], [5, 6, 7], length=7, stride=2, **options)
    np.testing.assert_array_equal(first.tokens, [101, 1, 102, 102, 5, 6, 102])
    np.testing.assert_array_equal(first.segments, [0, 0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(second.places, [-1, -1, -1, -1, 2, -1])


@pytest.mark.parametrize(("length", "stride"), [(12, 3), (12, 5), (12, 7), (12, 100), (9, 1)])
def test_windows_overlap_and_leave_nothing_out(length: int, stride: int) -> None:
    context = list(range(1000, 1023))
    windows = question_windows([1, 2], context, length=length, stride=stride, **OPTIONS)
    assert len(windows) > 1
    central = []
    for window in windows:
        assert len(window.tokens) <= length
        inside = window.places >= 0
        np.testing.assert_array_equal(
            window.tokens[inside], np.array(context)[window.places[inside]]
        )
        central += list(window.places[window.central])
    assert sorted(central) == list(range(23))  # each token is central in one window
    begins = [window.places[window.places >= 0][0] for window in windows]
    assert set(np.diff(begins)) == {min(stride, length - 5)}


def test_a_token_is_central_where_it_has_most_context() -> None:
    first, second = question_windows([], list(range(10)), length=11, stride=4, **OPTIONS)[:2]
    shared = {place: place in first.places[first.central] for place in (4, 5, 6, 7)}
    # The second window begins at 4: up to 5 the first shows more on both sides.
    assert shared == {4: True, 5: True, 6: False, 7: False}
    assert set(second.places[second.central]) >= {6, 7, 8, 9}


def test_a_long_question_is_cut() -> None:
    (window,) = question_windows(list(range(9)), [50], question_length=3, length=20, **OPTIONS)
    np.testing.assert_array_equal(window.tokens, [101, 0, 1, 2, 102, 50, 102])


def test_what_cannot_be_cut_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a question of 9 tokens leaves no room .* in 12"):
        question_windows(list(range(9)), [50], length=12, **OPTIONS)
    with pytest.raises(ValueError, match="stride must be at least 1, got 0"):
        question_windows([1], [50], stride=0, **OPTIONS)
