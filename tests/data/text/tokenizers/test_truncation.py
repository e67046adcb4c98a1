from __future__ import annotations

import itertools

import pytest

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


def test_the_longest_first_goes_as_in_the_library() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    words = tokenizers.models.WordLevel({"a": 0, "b": 1}, unk_token="a")
    engine = tokenizers.Tokenizer(words)
    engine.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    for first, second, room in itertools.product(range(1, 8), range(1, 8), range(1, 13)):
        if first + second > room:
            engine.enable_truncation(room, strategy="longest_first")
            ids = engine.encode(" ".join("a" * first), " ".join("b" * second)).ids
            found = TRUNCATIONS["longest_first"]((first, second), room)
            assert found == (ids.count(0), ids.count(1)), (first, second, room)
    assert TRUNCATIONS["longest_first"]((7,), 3) == (3,)


def test_one_text_alone_gives() -> None:
    assert TRUNCATIONS["first"]((5, 4), 6) == (2, 4)
    assert TRUNCATIONS["second"]((5, 4), 6) == (5, 1)
    assert TRUNCATIONS["second"]((5,), 3) == (3,)
    assert TRUNCATIONS["second"]((5, 4), 3) == (5, -2)  # refused by whoever asks
