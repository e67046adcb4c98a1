from __future__ import annotations

import pickle

import pytest

from toolkit.data.text import Splitter, split_lines, split_words


@pytest.mark.parametrize(
    ("split", "text", "parts"),
    [
        (split_words, " a  b\tc\n", ["a", "b", "c"]),
        (split_words, "", []),
        (split_lines, "a b\n\nc", ["a b", "", "c"]),
        (split_lines, "", []),
        (Splitter("|"), "a||b", ["a", "", "b"]),
    ],
)
def test_parts(split: Splitter, text: str, parts: list[str]) -> None:
    assert split(text) == parts
    assert pickle.loads(pickle.dumps(split))(text) == parts
