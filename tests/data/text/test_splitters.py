from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from toolkit.data.text import Splitter, split_lines, split_words
from toolkit.data.text.splitters import read_lines


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


def test_lines_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffé\r\n\n\u2028b".encode())
    assert read_lines(path) == ["é", "", "\u2028b"]
    path.write_bytes(b"")
    assert read_lines(path) == []
    path.write_bytes(b"a\nb \xff\n")
    with pytest.raises(ValueError, match=r"a\.txt, line 2 is not UTF-8: invalid start byte"):
        read_lines(path)
