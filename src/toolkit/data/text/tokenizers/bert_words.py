"""BERT's basic tokenizer: words without accents, punctuation and Chinese characters alone.

Each character of a word knows its place in the text. The classes of characters are those of
``tokenizers``, so that both engines give the same words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

Word = tuple[str, Sequence[int]]  # its characters, and where each was

# Separators as BERT sees them; the other characters of control that Python takes for white space
# are dropped and part nothing.
CHUNKS = re.compile("[^\t\n\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
# The fifth block begins at U+2B920 where Unicode's begins at U+2B820: the ids of `tokenizers` do.
CJK = re.compile(
    "[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0002a6df\U0002a700-\U0002b81f\U0002b920-\U0002ceaf\U0002f800-\U0002fa1f]"
)
_PLAIN = re.compile("[a-z0-9]+")
_ASCII_MARKS = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


@dataclass(frozen=True)
class BertWords:
    """Cuts what stands between white space into words."""

    lower: bool
    strip_accents: bool
    cjk: bool

    def __call__(self, chunk: str) -> list[Word]:
        """The words of a chunk, which holds no white space."""
        if _PLAIN.fullmatch(chunk):
            return [(chunk, range(len(chunk)))]
        chunk.encode()  # refuses half a surrogate pair
        words: list[Word] = []
        chars: list[str] = []
        places: list[int] = []

        def close() -> None:
            if chars:
                words.append(("".join(chars), places[:]))
                chars.clear()
                places.clear()

        for place, char in enumerate(chunk):
            if _dropped(char):
                continue
            alone = self.cjk and CJK.match(char) is not None
            if alone:
                close()
            for part in self._normal(char):
                if _is_mark(part):
                    close()
                    words.append((part, (place,)))
                else:
                    chars.append(part)
                    places.append(place)
            if alone:
                close()
        close()
        return words

    def _normal(self, char: str) -> str:
        """What a character becomes: itself, another, several or nothing."""
        if self.strip_accents and char > "\x7f":
            parts = unicodedata.normalize("NFD", char)
            char = "".join(c for c in parts if unicodedata.category(c) != "Mn")
        return char.lower() if self.lower else char


def _dropped(char: str) -> bool:
    """Whether a character is of control, of format, of private use, or the replacement."""
    return char == "\ufffd" or unicodedata.category(char) in ("Cc", "Cf", "Co")


def _is_mark(char: str) -> bool:
    return char in _ASCII_MARKS or (char > "\x7f" and unicodedata.category(char)[0] == "P")
