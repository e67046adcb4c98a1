"""Words keep their labels when they are cut into pieces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from toolkit.data.text.tokenizers import Tokenizer, load_tokenizer
from toolkit.data.text.word_pieces import cut_words

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "new", "##er", "york", "##s", "in"]


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    return load_tokenizer(tmp_path)


def test_the_first_piece_stands_for_a_word(tokenizer: Tokenizer) -> None:
    pieces = cut_words(["in", "newer", "Yorks", "xyz"], tokenizer)
    assert pieces.tokens.tolist() == [2, 9, 5, 6, 7, 8, 1, 3]
    assert pieces.places.tolist() == [1, 2, 4, 6]
    assert pieces.spread([5, 6, 7, 8]).tolist() == [-1, 5, 6, -1, 7, -1, 8, -1]
    assert pieces.gather(np.arange(8) * 10, None) == [10, 20, 40, 60]


def test_words_that_do_not_fit_have_no_place(tokenizer: Tokenizer) -> None:
    pieces = cut_words(["newer", "york", "in"], tokenizer, max_length=5)
    assert pieces.tokens.tolist() == [2, 5, 6, 7, 3]
    assert pieces.places.tolist() == [1, 3, -1]
    assert pieces.spread([1, 2, 3]).tolist() == [-1, 1, -1, 2, -1]
    assert pieces.gather(["a", "b", "c", "d", "e"], "O") == ["b", "d", "O"]


def test_a_word_of_nothing_shifts_no_other(tokenizer: Tokenizer) -> None:
    pieces = cut_words(["in", "\u200d", "york"], tokenizer)
    assert pieces.gather(pieces.tokens.tolist(), None) == [9, None, 7]


def test_parsers_see_the_root_and_every_word(tokenizer: Tokenizer) -> None:
    assert cut_words(["in", "newer", "Yorks"], tokenizer).root_and_words().tolist() == [1, 2, 3, 5]
    shared = cut_words(["newer", "york", "in"], tokenizer, max_length=5).root_and_words()
    assert shared.tolist() == [1, 2, 4, 4]  # one that was cut off has the place before it
    first = cut_words(["\u200d", "york"], tokenizer).root_and_words()
    assert first.tolist() == [1, 1, 2]


def test_no_words(tokenizer: Tokenizer) -> None:
    with pytest.raises(ValueError, match="without words"):
        cut_words([], tokenizer)
