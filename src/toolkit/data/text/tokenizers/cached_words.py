"""Cuts texts word by word without compiled code: each different word is worked out once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from toolkit.data.text.tokenizers.encoding import PlainPieces, Span

WORDS, LONGEST = 1 << 17, 64  # so many words are remembered, none of more characters
CutWord = Callable[[str], PlainPieces]  # offsets within the word


@dataclass
class CachedWords:
    """Texts to pieces, for tokenizers that look at one word at a time.

    Words are what ``pattern`` matches; what lies between is dropped.
    """

    pattern: re.Pattern[str]
    cut_word: CutWord
    special: Mapping[str, int] = field(default_factory=dict)  # found in texts and kept whole
    _known: dict[str, PlainPieces] = field(init=False, repr=False, default_factory=dict)

    def __call__(self, texts: Sequence[str]) -> list[WordPieces]:
        """The pieces of each text."""
        rows = self.ids(texts)
        return [WordPieces(self, text, ids) for text, ids in zip(texts, rows, strict=True)]

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The indices of each text's pieces."""
        if self.special:
            return [[i for _, word in self.words(t) for i in word.ids] for t in texts]
        known, find, found = self._known, self.pattern.findall, []
        for text in texts:
            ids: list[int] = []
            for word in find(text):
                got = known.get(word)
                ids += self.word(word).ids if got is None else got.ids
            found.append(ids)
        return found

    def words(self, text: str) -> list[tuple[int, PlainPieces]]:
        """The words of a text: where each starts, and its pieces."""
        if not self.special:
            return self._plain(text, 0, len(text))
        found, start = [], 0
        names = sorted(self.special, key=len, reverse=True)
        for match in re.finditer("|".join(map(re.escape, names)), text):
            found += self._plain(text, start, match.start())
            token, start = match.group(), match.end()
            whole = PlainPieces([self.special[token]], [token], [(0, len(token))])
            found.append((match.start(), whole))
        return found + self._plain(text, start, len(text))

    def _plain(self, text: str, start: int, end: int) -> list[tuple[int, PlainPieces]]:
        part = text[start:end]  # a pattern that looks ahead must not see what follows
        return [(start + m.start(), self.word(m.group())) for m in self.pattern.finditer(part)]

    def word(self, word: str) -> PlainPieces:
        """The pieces of a word."""
        got = self._known.get(word)
        if got is not None:
            return got
        got = self.cut_word(word)
        if len(word) <= LONGEST:
            if len(self._known) >= WORDS:
                self._known.clear()
            self._known[word] = got
        return got


@dataclass(frozen=True)
class WordPieces:
    """The pieces of a text; tokens and offsets are worked out when asked for."""

    words: CachedWords = field(repr=False)
    text: str
    ids: list[int]

    @property
    def tokens(self) -> list[str]:
        """The tokens, (T,)."""
        return [token for _, word in self.words.words(self.text) for token in word.tokens]

    @property
    def offsets(self) -> list[Span]:
        """Where they are in the text, (T, 2)."""
        return [
            (start + a, start + b)
            for start, word in self.words.words(self.text)
            for a, b in word.offsets
        ]
