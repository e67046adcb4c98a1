from __future__ import annotations

import unicodedata

import pytest
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from toolkit.data.text.tokenizers.bert_words import CHUNKS, BertWords


def words(text: str, lower: bool = True, strip: bool = True, cjk: bool = True) -> list[str]:
    cut = BertWords(lower, strip, cjk)
    return [word for chunk in CHUNKS.findall(text) for word, _ in cut(chunk)]


def test_words() -> None:
    assert words("Héllo, wörld!") == ["hello", ",", "world", "!"]
    assert words("Héllo", lower=False) == ["Hello"]
    assert words("Héllo", strip=False) == ["héllo"]
    assert words("日本go") == ["日", "本", "go"]
    assert words("日本go", cjk=False) == ["日本go"]
    assert words("a\0b\u200dc \x85 \ufffd") == ["abc"]


def test_places() -> None:
    assert BertWords(True, True, True)("e\u0301X!") == [("ex", [0, 2]), ("!", (3,))]
    with pytest.raises(UnicodeEncodeError):
        BertWords(True, True, True)("a\ud800")


def test_characters_are_taken_as_the_library_takes_them() -> None:
    """All that Unicode 3.2 had but four whose kind it changed: its tables differ with the age."""
    normalizer, cut = BertNormalizer(True, True, None, True), BertPreTokenizer()
    changed = "\u166d\u1734\u1885\u1886"
    chars = [
        char
        for char in map(chr, range(0x30000))
        if unicodedata.ucd_3_2_0.category(char) not in ("Cn", "Cs", "Co") and char not in changed
    ]
    assert len(chars) > 90_000
    for char in chars:
        theirs = [w for w, _ in cut.pre_tokenize_str(normalizer.normalize_str(f"a{char}b"))]
        assert words(f"a{char}b") == theirs, hex(ord(char))
