from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from toolkit.data.text import count_corpus, count_tokens, counting, split_words


def test_tokens_are_counted_and_added_up() -> None:
    counter = count_tokens(["The", "cat", "the"])
    assert counter == {"The": 1, "cat": 1, "the": 1}
    assert count_tokens(["THE"], lower=True, counter=counter) is counter
    assert counter["the"] == 2


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Five thousand words of three hundred, on lines of any length."""
    rng = random.Random(0)
    words = [f"w{rng.randrange(300)}é" for _ in range(5000)]
    path = tmp_path / "corpus.txt"
    path.write_text("".join(w + rng.choice(" \n\t ") for w in words), encoding="utf-8")
    return path


@pytest.mark.parametrize("block", [7, 1000, 1 << 24])
@pytest.mark.parametrize("max_distinct", [20, 10_000])
def test_a_file_is_counted_exactly_whatever_the_memory(
    corpus: Path, block: int, max_distinct: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "BLOCK", block)
    expected = Counter(corpus.read_text(encoding="utf-8").split())
    options = {"max_distinct": max_distinct, "progress": False}
    assert count_corpus(corpus, **options) == expected
    assert count_corpus([corpus, corpus], **options)["w7é"] == 2 * expected["w7é"]
    few = count_corpus(corpus, min_freq=18, max_size=9, **options)
    ranked = sorted((-n, token) for token, n in expected.items() if n >= 18)
    assert [(-n, token) for token, n in few.items()] == ranked[:9]


def test_a_split_by_line_sees_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "BLOCK", 5)
    path = tmp_path / "lines.txt"
    path.write_text("a b,c\nlonger than a block\n", encoding="utf-8")

    def comma(line: str) -> list[str]:
        return [f"{part}\n" for part in line.split(",")]

    counts = count_corpus(path, split=comma, max_distinct=1, progress=False)
    assert counts == {"a b\n": 1, "c\n": 1, "longer than a block\n": 1}


def test_hard_texts(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(b"")
    assert count_corpus(path, progress=False) == {}
    path.write_bytes(b"a\0b a\0b")
    assert count_corpus(path, progress=False) == {"a\0b": 2}
    path.write_bytes(b"word " * (1 << 21))  # one line of 10 MB
    assert count_corpus(path, progress=False) == {"word": 1 << 21}


def test_what_is_not_utf8_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "BLOCK", 4)
    path = tmp_path / "latin.txt"
    path.write_bytes("one two caf\xe9 x".encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin\.txt is not UTF-8: byte 0xe9 at 11"):
        count_corpus(path, progress=False)
    assert count_corpus(path, errors="replace", progress=False)["caf\ufffd"] == 1
    with pytest.raises(FileNotFoundError):
        count_corpus(tmp_path / "none", progress=False)
    with pytest.raises(ValueError, match="max_distinct must be at least 1"):
        count_corpus(path, max_distinct=0)


def test_progress_is_shown_in_bytes(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    count_corpus(corpus, split=split_words)
    shown = capsys.readouterr().err
    assert "100%" in shown
    assert "B/s" in shown


@pytest.mark.realdata
def test_the_real_counts(data_root: Path) -> None:
    counts = count_corpus(data_root / "sentencepiece/data/botchan.txt", progress=False)
    text = (data_root / "sentencepiece/data/botchan.txt").read_text(encoding="utf-8")
    assert counts == Counter(text.split())
