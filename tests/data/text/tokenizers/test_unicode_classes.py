from __future__ import annotations

import re
import sys
import unicodedata

from toolkit.data.text.tokenizers.unicode_classes import SPACE, char_class, gpt2_words, numbers


def test_a_class_matches_its_characters_and_no_others() -> None:
    pattern = re.compile(f"[{char_class(']^abcd-x')}]")
    assert [c for c in map(chr, range(200)) if pattern.fullmatch(c)] == sorted("]^abcd-x")


def test_numbers_are_the_categories_that_unicode_calls_so() -> None:
    pattern = re.compile(f"[{numbers()}]")
    chars = [chr(i) for i in range(sys.maxunicode + 1)]
    expected = [c for c in chars if unicodedata.category(c)[0] == "N"]
    assert len(expected) > 1000
    assert pattern.findall("".join(chars)) == expected


def test_space_is_white_space_without_separators_of_control() -> None:
    found = re.findall(f"[{SPACE}]", "".join(map(chr, range(0x10000))))
    assert set(found) == {c for c in map(chr, range(0x10000)) if c.isspace()} - set(
        "\x1c\x1d\x1e\x1f"
    )


def test_words_of_gpt2() -> None:
    text = "I'll  go 2nd²x_y, 一 it's\n\n ok  \x1c"
    words = gpt2_words().findall(text)
    assert "".join(words) == text
    assert words == [
        *("I", "'ll", " ", " go", " 2", "nd", "²", "x", "_", "y", ",", " 一", " it", "'s"),
        *("\n\n", " ok", " ", " \x1c"),
    ]
