from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from toolkit.data.text.embedding.word2vec_bin import read_word2vec_bin


def content(words: list[bytes], header: bytes | None = None, newline: bytes = b"\n") -> bytes:
    rows = [w + b" " + np.full(3, i, "<f4").tobytes() + newline for i, w in enumerate(words)]
    return (header or b"%d 3\n" % len(words)) + b"".join(rows)


@pytest.mark.parametrize("newline", [b"", b"\n"])
def test_records(newline: bytes, tmp_path: Path) -> None:
    path = tmp_path / "v.bin"
    path.write_bytes(content([b"a", "é".encode(), b"a", b"\xff"], newline=newline))
    words, vectors = read_word2vec_bin(path, progress=False)
    assert words == ["a", "é", "\\xff"]
    assert vectors.tolist() == [[0, 0, 0], [1, 1, 1], [3, 3, 3]]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "is no word2vec file"),
        (b"word 1 2\n", "is no word2vec file"),
        (content([b"a", b"b"])[:-16], "record 1 is the last that could be there"),
        (content([b"a", b"bbbbbbbb"])[:-8], "record 1 of 2 is cut off"),
        (content([b"a"], b"9999999999 300\n"), "record 0 is the last that could be there"),
        (content([b"a"], b"1 0\n"), "1 vectors of 0 numbers"),
    ],
)
def test_broken_files(raw: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "v.bin"
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=rf"v\.bin.*{reason}"):
        read_word2vec_bin(path, progress=False)
