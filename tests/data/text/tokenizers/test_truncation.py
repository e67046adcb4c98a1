from __future__ import annotations

import itertools

from toolkit.data.text.tokenizers.truncation import TRUNCATIONS


def one_by_one(first: int, second: int, room: int) -> tuple[int, int]:
    """The definition: off the longer one, off the second where both are equally long."""
    while first + second > room:
        if first > second:
            first -= 1
        else:
            second -= 1
    return first, second


def test_the_longest_goes_one_by_one() -> None:
    longest = TRUNCATIONS["longest"]
    cases = [c for c in itertools.product(range(9), range(9), range(9)) if c[0] + c[1] > c[2]]
    assert len(cases) > 300
    for first, second, room in cases:
        assert longest((first, second), room) == one_by_one(first, second, room)
    assert longest((7,), 3) == (3,)


def test_one_text_alone_gives() -> None:
    assert TRUNCATIONS["first"]((5, 4), 6) == (2, 4)
    assert TRUNCATIONS["second"]((5, 4), 6) == (5, 1)
    assert TRUNCATIONS["second"]((5,), 3) == (3,)
    assert TRUNCATIONS["second"]((5, 4), 3) == (5, -2)  # refused by whoever asks
