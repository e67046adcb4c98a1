from __future__ import annotations

import numpy as np
import pytest

from toolkit.data.text import NGramHashes, WordNGrams

TEXT = ["the", "über-film", "is", "the", "über-film", "\udc80", "</s>"]


def signed(word: str) -> int:
    """fastText's hash of a word, which characters' n-grams have, too; as int32."""
    value = NGramHashes(1 << 32).hash(word)
    return value - (1 << 32) if value >= 1 << 31 else value


@pytest.mark.parametrize("longest", [2, 3, 5])
def test_ngrams_are_hashed_as_by_fasttext(longest: int) -> None:
    expected = []
    for length in range(2, longest + 1):
        for start in range(len(TEXT) - length + 1):
            value = 0
            for word in TEXT[start : start + length]:
                value = (value * 116049371 + signed(word)) % (1 << 64)
            expected.append(value % 999983)
    ngrams = WordNGrams(999983, longest)
    assert ngrams(TEXT).tolist() == expected
    assert ngrams(TEXT).tolist() == expected  # from the hashes that are known by now
    assert min(signed(word) for word in TEXT) < 0 < max(signed(word) for word in TEXT)


def test_short_texts_have_few() -> None:
    ngrams = WordNGrams(10, 3)
    assert [len(ngrams(TEXT[:n])) for n in range(4)] == [0, 0, 1, 3]
    assert ngrams([]).dtype == np.int64
    assert len(ngrams) == 10


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="longest 2 or more"):
        WordNGrams(10, 1)
    with pytest.raises(ValueError, match="buckets must be 1 or more"):
        WordNGrams(0)
