from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from toolkit.data.text import ByteSubwords, NGramHashes, SubwordRows


def fnv(ngram: str, buckets: int) -> int:
    """The definition, byte by byte."""
    value = 2166136261
    for byte in ngram.encode("utf-8", "surrogatepass"):
        signed = byte - 256 if byte > 127 else byte
        value = ((value ^ (signed & 0xFFFFFFFF)) * 16777619) & 0xFFFFFFFF
    return value % buckets


def ngrams(word: str, lengths: tuple[int, ...]) -> list[str]:
    """Of "<word>", by start, then length; lone brackets left out."""
    marked = f"<{word}>"
    return [
        marked[i : i + n]
        for i in range(len(marked))
        for n in sorted(lengths)
        if i + n <= len(marked) and not (n == 1 and (i == 0 or i + n == len(marked)))
    ]


def test_bytes() -> None:
    assert ByteSubwords()(["aé", ""]) == [[97, 195, 169], []]
    assert len(ByteSubwords()) == 256


@pytest.mark.parametrize("lengths", [(3, 4, 5, 6), (1, 2), (2, 5), (1,)])
def test_hashes_are_those_of_the_definition(lengths: tuple[int, ...]) -> None:
    words = ["language", "a", "", "naïve", "東京", "\U0001f600x", "<unk>", "half\ud800", "a<b"]
    hashes = NGramHashes(1000, lengths, frozenset({"<unk>"}))
    got = hashes(words)
    assert len(got) == len(words)
    for word, found in zip(words, got, strict=True):
        wanted = [] if word == "<unk>" else [fnv(g, 1000) for g in ngrams(word, lengths)]
        assert (found.dtype, found.tolist()) == (np.int64, wanted), word
        assert [hashes.hash(g) for g in ngrams(word, lengths)][: len(wanted)] == wanted


def test_no_words_and_no_ngrams() -> None:
    assert NGramHashes(10)([]) == []
    assert [h.tolist() for h in NGramHashes(10, special_tokens=frozenset({"x"}))(["x"])] == [[]]
    for wrong in ({"buckets": 0}, {"buckets": 5, "ngrams": ()}, {"buckets": 5, "ngrams": (0,)}):
        with pytest.raises(ValueError, match="must be at least 1"):
            NGramHashes(**wrong)


@pytest.mark.realdata
def test_a_real_text_hashes_as_the_definition(data_root: Path) -> None:
    text = (data_root / "sentencepiece/data/botchan.txt").read_text(encoding="utf-8")
    words = sorted(set(text.split()))[::20]
    assert len(words) > 300
    for word, found in zip(words, NGramHashes(2_000_000)(words), strict=True):
        assert found.tolist() == [fnv(g, 2_000_000) for g in ngrams(word, (3, 4, 5, 6))]


def test_rows_of_ngrams_are_filled_up() -> None:
    rows = SubwordRows(NGramHashes(1000, (3,)))
    expected = [[rows.hashes.hash(n) for n in ngrams(word, (3,))] for word in ("a", "abc")]
    assert [len(row) for row in expected] == [1, 3]
    for _ in range(2):  # of words that it knows by now, too
        found = rows(["a", "abc", "a"])
        assert found.dtype == np.float32
        assert found.tolist() == [[*expected[0], -1, -1], expected[1], [*expected[0], -1, -1]]
