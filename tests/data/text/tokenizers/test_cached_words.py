from __future__ import annotations

import re

import pytest

from toolkit.data.text.tokenizers import cached_words
from toolkit.data.text.tokenizers.cached_words import CachedWords
from toolkit.data.text.tokenizers.encoding import PlainPieces


class Letters:
    """Cuts words into letters and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, word: str) -> PlainPieces:
        self.asked.append(word)
        places = [(i, i + 1) for i in range(len(word))]
        return PlainPieces(list(map(ord, word)), list(word), places)


def test_each_word_is_cut_once() -> None:
    cut = Letters()
    words = CachedWords(re.compile(r"\S+"), cut)
    first, second = words(["ab c ab", ""])
    assert cut.asked == ["ab", "c"]
    assert first.ids == list(map(ord, "abcab"))
    assert first.tokens == list("abcab")
    assert first.offsets == [(0, 1), (1, 2), (3, 4), (5, 6), (6, 7)]
    assert (second.ids, second.tokens, second.offsets) == ([], [], [])
    assert cut.asked == ["ab", "c"]


def test_special_tokens_stay_whole() -> None:
    words = CachedWords(re.compile(r"\S+"), Letters(), {"<m>": 1, "<m>>": 2})
    (pieces,) = words(["a<m>>b <m>"])
    assert pieces.tokens == ["a", "<m>>", "b", "<m>"]
    assert pieces.ids == [97, 2, 98, 1]
    assert pieces.offsets == [(0, 1), (1, 5), (5, 6), (7, 10)]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached_words, "WORDS", 3)
    monkeypatch.setattr(cached_words, "LONGEST", 2)
    cut = Letters()
    words = CachedWords(re.compile(r"\S+"), cut)
    assert words.ids(["a b c d a long long"])[0] == [ord(c) for c in "abcdalonglong"]
    assert len(words._known) <= 3
    assert cut.asked.count("long") == 2
