from __future__ import annotations

import pytest

from toolkit.data.text import ELMoCharVocab


def test_words_are_spelled_in_bytes() -> None:
    vocab = ELMoCharVocab()
    numbers = vocab["né"]
    assert numbers == [258, ord("n"), 0xC3, 0xA9, 259, *[260] * 45]
    assert vocab(["né", "né"]) == vocab[("né", "né")] == [numbers, numbers]
    assert vocab[""] == [258, 259, *[260] * 48]
    assert vocab["a\0\ud800"][:4] == [258, ord("a"), 0, 259]
    assert len(vocab) == 262
    assert "né" in vocab


def test_long_words_are_cut() -> None:
    numbers = ELMoCharVocab()["x" * 60]
    assert numbers == [258, *[ord("x")] * 48, 259]
    assert ELMoCharVocab()["x" * 47][-2:] == [259, 260]


def test_ends_of_sentences_have_numbers_of_their_own() -> None:
    vocab = ELMoCharVocab(bos_token="<S>", eos_token=None)
    assert vocab["<S>"] == [258, 256, 259, *[260] * 47]
    assert vocab["<eos>"][1] == ord("<")
    assert ELMoCharVocab()["<eos>"][:3] == [258, 257, 259]


def test_what_is_no_word_is_refused() -> None:
    with pytest.raises(TypeError, match="expected a word, got 3"):
        ELMoCharVocab()[["a", 3]]
