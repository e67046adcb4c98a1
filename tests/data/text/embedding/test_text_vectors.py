from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from toolkit.data.text.embedding.text_vectors import read_text_vectors


def read(folder: Path, content: bytes | str) -> tuple[list[str], list[list[float]]]:
    path = folder / "v.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    tokens, vectors = read_text_vectors(path, progress=False)
    assert vectors.dtype == np.float32
    return tokens, vectors.tolist()


@pytest.mark.parametrize(
    "content", ["a 1 2\né -.5 1e2\n", "2 2\na 1 2\né -.5 1e2 \n", "a 1 2\r\né -.5 1e2"]
)
def test_with_and_without_a_header(content: str, tmp_path: Path) -> None:
    assert read(tmp_path, content) == (["a", "é"], [[1, 2], [-0.5, 100]])


def test_odd_tokens(tmp_path: Path) -> None:
    content = "a 1 2\nat name@domain.com 3 4\n. . . 5 6\na 7 8\n\n0 9 9\n"
    tokens, vectors = read(tmp_path, content)
    assert tokens == ["a", "at name@domain.com", ". . .", "0"]
    assert vectors == [[1, 2], [3, 4], [5, 6], [9, 9]]
    assert read(tmp_path, "a\0b 1 2\n")[0] == ["a\0b"]


def test_many_rows(tmp_path: Path) -> None:
    tokens, vectors = read(tmp_path, "".join(f"t{i} {i} 1\n" for i in range(3000)))
    assert (len(tokens), vectors[2999]) == (3000, [2999, 1])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a 1 2\nb 1\n", "line 2: expected a token and 2 numbers: b'b 1"),
        ("a 1 2\nb 1 2 3\nc 1\n", "line 3: expected a token and 2 numbers"),
        ("a 1 x\n", "line 1: expected a token and numbers"),
        ("a\n", "line 1: expected a token and numbers"),
        (b"a 1 2\n\xff\xfe 1 2\n", "line 2: the token is not UTF-8"),
        ("\n\n", "holds no vectors"),
        ("3 2\na 1 2\nb 1 2\n", "is cut off: it says 3 vectors and has 2"),
    ],
)
def test_broken_files(content: bytes | str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"v\.txt.*{reason}"):
        read(tmp_path, content)


def test_progress(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "v.txt"
    path.write_text("a 1 2\n")
    read_text_vectors(path)
    assert "100%" in capsys.readouterr().err
