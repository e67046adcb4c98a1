"""Answers are found in windows, and are pieces of the text as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.data.text import Vocab
from toolkit.data.text.passages import Passage, cut_passage
from toolkit.data.text.tokenizers import TEMPLATES, ByteBPETokenizer, Tokenizer, load_tokenizer
from toolkit.data.text.tokenizers.byte_bpe import byte_letters

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "who", "the", "mill", "##er", "##s", "ran"]
CONTEXT = "The  Millers ran; the mill ran."


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    return load_tokenizer(tmp_path)


@pytest.fixture
def passage(tokenizer: Tokenizer) -> Passage:
    return cut_passage("Who ran", CONTEXT, tokenizer, length=9, stride=2)


def test_windows_show_the_whole_context(passage: Passage) -> None:
    places = {int(p) for window in passage.windows for p in window.places if p >= 0}
    assert places == set(range(10))
    assert len(passage.windows) == 4
    assert all(window.tokens.tolist()[:4] == [2, 5, 10, 3] for window in passage.windows)


def test_special_tokens_are_those_of_the_tokenizers_pairs() -> None:
    """RoBERTa has two separators between two texts."""
    words = [*byte_letters(), "<s>", "</s>"]
    bytewise = ByteBPETokenizer(
        Vocab.from_tokens(words), [], template=TEMPLATES["roberta"], engine="python"
    )
    (window,) = cut_passage("ab", "cd", bytewise).windows
    assert window.tokens.tolist() == bytewise.encode("ab", "cd").ids
    assert window.places.tolist() == [-1, -1, -1, -1, -1, 0, 1, -1]


def test_an_answer_is_the_text_as_written(passage: Passage) -> None:
    assert passage.text(0, 3) == "The  Millers"
    assert passage.text(1, 1) == "Mill"


def test_answers_have_places_in_the_windows_that_hold_them(passage: Passage) -> None:
    first = passage.windows[0]
    begin, end = passage.find(first, CONTEXT.index("Millers"), "Millers")
    assert passage.text(int(first.places[begin]), int(first.places[end])) == "Millers"
    assert first.tokens[begin : end + 1].tolist() == [7, 8, 9]
    # Half of a word is answered by its token.
    assert passage.find(first, CONTEXT.index("iller"), "iller") == (begin, end - 1)
    last = CONTEXT.index("mill")
    assert passage.find(first, last, "mill") == (0, 0)
    assert passage.find(passage.windows[-1], last, "mill") != (0, 0)
    assert passage.find(first, len(CONTEXT) + 1, "x") == (0, 0)


def test_a_question_that_leaves_no_room(tokenizer: Tokenizer) -> None:
    with pytest.raises(ValueError, match="leaves no room"):
        cut_passage("who ran the mill", CONTEXT, tokenizer, length=7)
