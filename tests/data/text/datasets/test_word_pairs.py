from __future__ import annotations

from collections.abc import Callable

import pytest

from toolkit.data.text.datasets.source import DatasetError
from toolkit.data.text.datasets.word_pairs import (
    analogies,
    lemma_pairs,
    merged_pairs,
    scored_pairs,
    word_pairs,
)


def test_pairs(sources: Callable) -> None:
    assert word_pairs(separator=",")(sources("a,b,1.5\n")) == [("a", "b", 1.5)]
    with pytest.raises(ValueError, match="line 1: no pair with a number: 'a b'"):
        word_pairs()(sources("a b\n"))
    assert lemma_pairs(sources("sun-n go-v 5\n")) == [("sun", "go", 5.0)]
    assert merged_pairs(sources("c d 1\na b 2\n", "a b 2\n")) == [("a", "b", 2.0), ("c", "d", 1.0)]
    assert scored_pairs(sources("New York\tb\n", "2\n")) == [("New York", "b", 2.0)]
    with pytest.raises(DatasetError, match="line 1: no pair with a score: 'a', '2'"):
        scored_pairs(sources("a\n", "2\n"))
    with pytest.raises(DatasetError, match="line 2: 1 scores for 2 pairs"):
        scored_pairs(sources("a\tb\nc\td\n", "2\n"))


def test_analogies(sources: Callable) -> None:
    assert analogies(sources(": x y\na b c d\n")) == [("x y", "a", "b", "c", "d")]
